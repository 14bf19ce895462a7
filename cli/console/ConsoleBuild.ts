// The console as files for a browser, compressed beforehand, so that no master compresses anything at a visit.
//
// A build is named by the hash of all that it is made of, like the bundles of the programs: it is made when that is another.

import { createHash } from "node:crypto"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { brotliCompress, constants, gzip } from "node:zlib"
import { inCheckout } from "../tooling/Checkout.ts"
import { runNode } from "../tooling/Program.ts"

const builds = inCheckout("node_modules", ".nxmesh-bundles", "console")
const compressedEndings = /\.(js|css|html|svg|json|ttf)$/
/** Below that, the headers weigh more than what is saved. */
const bytesMin = 512

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()

const web = (...names: ReadonlyArray<string>) => inCheckout("packages", "web", ...names)

const sources = (): ReadonlyArray<string> => [
  inCheckout("package-lock.json"),
  inCheckout("cli", "console", "ConsoleBuild.ts"),
  web("index.html"),
  web("vite.config.ts"),
  ...filesBelow(web("public")),
  ...filesBelow(web("src")),
  ...filesBelow(inCheckout("packages", "protocol", "src"))
]

const hashOf = (paths: ReadonlyArray<string>): string => {
  const hash = createHash("sha256")
  for (const path of paths) hash.update(path).update(readFileSync(path))
  return hash.digest("hex").slice(0, 20)
}

const compress = async (folder: string): Promise<void> => {
  for (const path of filesBelow(folder)) {
    const bytes = readFileSync(path)
    if (!compressedEndings.test(path) || bytes.length < bytesMin) continue
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }
    writeFileSync(`${path}.br`, await promisify(brotliCompress)(bytes, quality))
    writeFileSync(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }))
  }
}

/** The folder of the console as the sources are at this moment. Throws with what Vite said when it does not build. */
export const consoleFolder = async (): Promise<string> => {
  const folder = join(builds, hashOf(sources()))
  if (existsSync(folder)) return folder
  mkdirSync(builds, { recursive: true })
  const aside = mkdtempSync(join(builds, "making-"))
  try {
    const vite = inCheckout("node_modules", "vite", "bin", "vite.js")
    const args = [
      vite,
      "build",
      web(),
      "--config",
      web("vite.config.ts"),
      "--outDir",
      aside,
      "--emptyOutDir",
      "--logLevel",
      "warn"
    ]
    const { exitCode, output } = await runNode(args, { output: "capture", timeoutMillis: 300_000 })
    if (exitCode !== 0) throw new Error(`the console does not build:\n${output.trim()}`)
    await compress(aside)
    if (!existsSync(folder)) renameSync(aside, folder)
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  // One that another checkout or an older start uses may be open still: only what was left half made goes.
  return folder
}
