import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { inCheckout } from "../tooling/Checkout.ts"

/** Everything the playground keeps: `rm -rf .nxmesh` starts anew. Tests give each playground a folder of its own. */
export const playgroundFolder = process.env["NXMESH_PLAYGROUND_DIR"] ?? inCheckout(".nxmesh")

export const inPlayground = (...segments: ReadonlyArray<string>): string => join(playgroundFolder, ...segments)

/** Makes a folder for programs and their logs. nginx workers run as another user and pass through; secrets inside have modes of their own. */
export const makeRunFolder = async (folder: string): Promise<void> => {
  await mkdir(join(folder, "log"), { recursive: true })
  await chmod(playgroundFolder, 0o711)
  await chmod(folder, 0o711)
}

/** Writes a file whole, readable by its owner only. */
export const writePrivately = async (path: string, content: unknown): Promise<void> => {
  await writeFile(`${path}.new`, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}

/** The content of a JSON file; undefined when there is none. */
export const readJson = async <A>(path: string): Promise<A | undefined> => {
  let text: string
  try {
    text = await readFile(path, "utf8")
  } catch {
    return undefined
  }
  try {
    return JSON.parse(text) as A
  } catch (cause) {
    throw new Error(`${path} is damaged; correct it, or remove .nxmesh to start anew`, { cause })
  }
}
