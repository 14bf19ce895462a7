/** Runs the simulator over a copy of the sources in which one thing was made wrong. */

import { execFile } from "node:child_process"
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"

export interface PlantedBug {
  readonly name: string
  /** Below packages/raft/src. */
  readonly file: string
  /** A text that occurs once in the file. */
  readonly find: string
  readonly replace: string
}

export interface PlantedOutcome {
  readonly ran: number
  readonly caught: { readonly seed: number; readonly kind: string; readonly message: string } | null
}

const sources = join(import.meta.dirname, "..", "..", "..", "src")
const run = promisify(execFile)

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

/** Seeds 1 to `seeds` of the sources with one bug, or without any, up to the first that fails. */
export const runPlanted = async (
  bug: PlantedBug | null,
  limits: { readonly seeds: number; readonly durationMillis: number; readonly secondsMax: number }
): Promise<PlantedOutcome> => {
  const folder = await mkdtemp(join(tmpdir(), "raft-planted-"))
  try {
    await Promise.all(
      ["core", "testing"].map((name) => cp(join(sources, name), join(folder, name), { recursive: true }))
    )
    await writeFile(join(folder, "package.json"), `{ "type": "module" }\n`)
    if (bug !== null) {
      const path = join(folder, bug.file)
      await writeFile(path, plant(await readFile(path, "utf8"), bug))
    }
    const args = [folder, "1", limits.seeds, limits.durationMillis, limits.secondsMax].map(String)
    const { stdout } = await run(process.execPath, [join(import.meta.dirname, "RunSeeds.ts"), ...args], {
      timeout: (limits.secondsMax + 30) * 1000
    })
    return JSON.parse(stdout) as PlantedOutcome
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
