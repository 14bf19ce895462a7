/**
 * The version of the link's protocol. Added optional fields need no new version, because a peer ignores what it does
 * not know; a new directive, a removed field or a changed meaning does.
 */
import { Schema } from "effect"

export const VersionRange = Schema.Struct({
  oldest: Schema.Int.check(Schema.isGreaterThan(0)),
  newest: Schema.Int.check(Schema.isGreaterThan(0))
})
export type VersionRange = typeof VersionRange.Type

/** What this build speaks. Version 2 has the directive `Masters`; version 3 `Perform`, `Policy` and reports that wait in an outbox. */
export const spokenVersions: VersionRange = { oldest: 1, newest: 3 }

/** The newest version that both speak; `null` when there is none. */
export const commonVersion = (a: VersionRange, b: VersionRange): number | null => {
  const newest = Math.min(a.newest, b.newest)
  return newest >= Math.max(a.oldest, b.oldest) ? newest : null
}
