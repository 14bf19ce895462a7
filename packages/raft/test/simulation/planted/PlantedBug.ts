/** A copy of the sources in which one thing was made wrong. */

import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"

export interface PlantedBug {
  readonly name: string
  /** Below packages/raft/src. */
  readonly file: string
  /** A text that occurs once in the file. */
  readonly find: string
  readonly replace: string
  /** A seed that caught it once, tried before the others: it is found in a second while the sources around it stay. */
  readonly caughtBy?: number
}

const packageFolder = join(import.meta.dirname, "..", "..", "..")
const sources = join(packageFolder, "src")
const libraries = join(packageFolder, "..", "..", "node_modules")

/** The text with the bug in it. A patch that does not match exactly once is no longer the bug that it says it is. */
export const plant = (text: string, { name, file, find, replace }: PlantedBug): string => {
  const places = text.split(find).length - 1
  if (places !== 1) throw new Error(`"${name}" no longer matches: its text occurs ${places} times in ${file}`)
  return text.replace(find, () => replace)
}

/** Throws when the patch does not match the sources as they are. */
export const assertMatches = async (bug: PlantedBug): Promise<void> => {
  plant(await readFile(join(sources, bug.file), "utf8"), bug)
}

/** Makes `folder` a package whose `src` has the bug. */
export const plantIn = async (folder: string, bug: PlantedBug): Promise<void> => {
  await mkdir(folder, { recursive: true })
  await cp(sources, join(folder, "src"), { recursive: true })
  await symlink(libraries, join(folder, "node_modules"))
  await writeFile(join(folder, "package.json"), `{ "type": "module" }\n`)
  const path = join(folder, "src", bug.file)
  await writeFile(path, plant(await readFile(path, "utf8"), bug))
}
