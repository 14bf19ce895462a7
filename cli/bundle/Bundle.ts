// The programs, each as one module: a start reads a few files in place of a thousand, and takes a third of the time.
//
// A bundle is named by the hash of all that it is made of, which every start computes anew: another content is another bundle.

import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync
} from "node:fs"
import { join } from "node:path"
import { inCheckout, root } from "../tooling/Checkout.ts"
import { readSources } from "./Sources.ts"
import type { SourceScope } from "./Sources.ts"

export const programs = {
  master: "packages/master/src/main.ts",
  agent: "packages/agent/src/main.ts",
  nxmesh: "packages/master/src/cli/main.ts"
} as const
export type ProgramName = keyof typeof programs

/**
 * What Node is told when it runs a program. An agent stands beside an nginx and makes little garbage at a time: with a young
 * generation of 1 MiB in place of 16 its memory stays a quarter smaller (npm run bench agent-soak).
 */
export const nodeFlags: Readonly<Record<ProgramName, ReadonlyArray<string>>> = {
  master: [],
  agent: ["--max-semi-space-size=1"],
  nxmesh: []
}

export interface BundleStore {
  readonly folder: string
  /** A bundle that nothing was started from for so long is removed when another is made. */
  readonly unusedMillisMax: number
}

const bundles = inCheckout("node_modules", ".nxmesh-bundles")
const dayMillis = 86_400_000

/** Of programs that may run for weeks, and load the modules of their threads when they need them. */
export const lastingBundles: BundleStore = { folder: join(bundles, "programs"), unusedMillisMax: 60 * dayMillis }

/** Of programs that end with a test. */
export const testBundles: BundleStore = { folder: join(bundles, "tests"), unusedMillisMax: dayMillis / 24 }

const prune = ({ folder, unusedMillisMax }: BundleStore): void => {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    const usedAt = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - usedAt > unusedMillisMax) rmSync(path, { recursive: true, force: true })
  }
}

const codesOfAnother = new Set(["EEXIST", "ENOTEMPTY"])

/** Made aside and renamed: half a bundle is never found. Two that make the same one at once both succeed. */
const make = async (write: (folder: string) => Promise<void>, store: BundleStore, folder: string): Promise<void> => {
  mkdirSync(store.folder, { recursive: true })
  prune(store)
  const aside = mkdtempSync(join(store.folder, "making-"))
  try {
    await write(aside)
    // A service may run as another user than whoever made it.
    chmodSync(aside, 0o755)
    renameSync(aside, folder)
  } catch (error) {
    if (!codesOfAnother.has(String((error as NodeJS.ErrnoException).code))) throw error
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
}

const touch = (folder: string): void => {
  const now = new Date()
  try {
    utimesSync(folder, now, now)
  } catch (error) {
    // Whoever may not touch it may not make another one either, and so removes none.
    if (!["EACCES", "EPERM", "EROFS"].includes(String((error as NodeJS.ErrnoException).code))) throw error
  }
}

/** The folder of the bundle of what the sources are at this moment, in which each program is `<name>.mjs`. */
export const bundleFolder = async (
  store: BundleStore,
  checkout: string = root,
  entries: Readonly<Record<string, string>> = programs,
  scope: SourceScope = "product"
): Promise<string> => {
  const sources = readSources(checkout, scope)
  const folder = join(store.folder, `${scope}-${sources.hash}`)
  if (existsSync(folder)) {
    touch(folder)
    return folder
  }
  const { writeBundle } = await import("./Bundler.ts")
  const paths = Object.entries(entries).map(([name, path]) => [name, join(checkout, path)])
  await make((aside) => writeBundle(sources, Object.fromEntries(paths), aside), store, folder)
  return folder
}
