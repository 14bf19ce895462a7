/**
 * Data directories of masters of before as a power cut left them, and all rows that their states had before: of 0.1.0
 * (RecordDirectory.mjs), and of a cluster of one at cluster version 1 (RecordVersion1.mjs).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { gunzipSync } from "node:zlib"

export interface Recorded {
  /** In base64, by path. */
  readonly files: Readonly<Record<string, string>>
  readonly rows: Readonly<Record<string, ReadonlyArray<Readonly<Record<string, unknown>>>>>
}

export type Release = "0.1.0" | "version-1"

const recorded = (release: Release): Recorded =>
  JSON.parse(
    gunzipSync(readFileSync(join(import.meta.dirname, `data-${release}.json.gz`))).toString("utf8")
  ) as Recorded

/** The last entry of the log of 0.1.0; its state has those up to `durableIndex`. */
export const recordedIndex = 10
export const durableIndex = 6

/** Who may sign in. */
export const recordedAdministrator = { email: "admin@example.com", password: "correct horse battery" }

/** Puts one into this directory; answers the rows. */
export const layRecordedDirectory = (directory: string, release: Release = "0.1.0"): Recorded["rows"] => {
  const { files, rows } = recorded(release)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true, mode: 0o700 })
    writeFileSync(join(directory, path), Buffer.from(content, "base64"), { mode: 0o600 })
  }
  return rows
}
