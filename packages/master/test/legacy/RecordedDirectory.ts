/** The data directory of a master of 0.1.0 as a power cut left it, and all rows that its state had before (RecordDirectory.mjs). */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { gunzipSync } from "node:zlib"

export interface Recorded {
  /** In base64, by path. */
  readonly files: Readonly<Record<string, string>>
  readonly rows: Readonly<Record<string, ReadonlyArray<Readonly<Record<string, unknown>>>>>
}

const recorded = (): Recorded =>
  JSON.parse(gunzipSync(readFileSync(join(import.meta.dirname, "data-0.1.0.json.gz"))).toString("utf8")) as Recorded

/** The last entry of its log; the state has those up to `durableIndex`. */
export const recordedIndex = 10
export const durableIndex = 6

/** Who may sign in. */
export const recordedAdministrator = { email: "admin@example.com", password: "correct horse battery" }

/** Puts it into this directory; answers the rows. */
export const layRecordedDirectory = (directory: string): Recorded["rows"] => {
  const { files, rows } = recorded()
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true, mode: 0o700 })
    writeFileSync(join(directory, path), Buffer.from(content, "base64"), { mode: 0o600 })
  }
  return rows
}
