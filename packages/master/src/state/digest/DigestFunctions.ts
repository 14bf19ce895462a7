/** What SQLite calls to keep a digest of rows, and to make one of all of them. */
import type { DatabaseSync } from "node:sqlite"
import { addDigests, emptyDigest, steppedDigest } from "./RowDigest.ts"

/** The names that statements use. */
export const stepFunction = "nxmesh_digest_step"
export const sumFunction = "nxmesh_digest_of"

const text = (value: unknown): string => {
  if (typeof value === "string") return value
  throw new TypeError("a digest is made of texts")
}

const textOrNull = (value: unknown): string | null => (value === null ? null : text(value))

export const defineDigestFunctions = (database: DatabaseSync): void => {
  database.function(stepFunction, (digest: unknown, before: unknown, after: unknown) =>
    steppedDigest(text(digest), textOrNull(before), textOrNull(after))
  )
  database.aggregate(sumFunction, {
    start: emptyDigest,
    step: (digest: string, row: unknown) => addDigests(digest, steppedDigest(emptyDigest, null, text(row)))
  })
}
