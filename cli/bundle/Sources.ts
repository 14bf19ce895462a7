import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** All that a bundle is made of, read at one moment. */
export interface Sources {
  /** Names the content: of the sources, of what they depend on, and of the rules of bundling. */
  readonly hash: string
  /** By full path. */
  readonly texts: ReadonlyMap<string, string>
}

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()

/** The product's alone, or with the tests'. */
export type SourceScope = "product" | "tests"

const files = (root: string, scope: SourceScope): ReadonlyArray<string> => [
  // Dependencies are as the lockfile names them, or nxmesh.mjs would have installed them.
  join(root, "package-lock.json"),
  ...filesBelow(join(root, "cli", "bundle")),
  // The console is built by itself, for browsers.
  ...readdirSync(join(root, "packages"))
    .filter((name) => name !== "web")
    .sort()
    .map((name) => join(root, "packages", name))
    .flatMap((folder) => [
      join(folder, "package.json"),
      ...filesBelow(scope === "product" ? join(folder, "src") : folder)
    ]),
  ...(scope === "product" ? [] : filesBelow(join(root, "test")))
]

/** Of a checkout. */
export const readSources = (root: string, scope: SourceScope): Sources => {
  const hash = createHash("sha256")
  const texts = new Map<string, string>()
  for (const path of files(root, scope)) {
    const text = readFileSync(path, "utf8")
    texts.set(path, text)
    hash.update(`${path}\0${text.length}\0${text}`)
  }
  return { hash: hash.digest("hex").slice(0, 20), texts }
}
