/**
 * Names of generation directories: the time to the second (AF-002) and a sequence number, so that two deployments in
 * one second, or a clock that was set back, never make the same name twice.
 */
import { DateTime } from "effect"

const pattern = /^\d{14}-(\d{6,})$/

export const directoryName = (at: DateTime.Utc, sequence: number): string => {
  const digits = DateTime.formatIso(at).replace(/\D/g, "").slice(0, 14)
  return `${digits}-${String(sequence).padStart(6, "0")}`
}

/** The sequence number in a name, or `null` when the name is not one of ours. */
export const sequenceOf = (name: string): number | null => {
  const match = pattern.exec(name)?.[1]
  return match === undefined ? null : Number(match)
}

/** The last sequence number used in a directory's listing; 0 when there is none. */
export const highestSequence = (names: ReadonlyArray<string>): number =>
  names.reduce((highest, name) => Math.max(highest, sequenceOf(name) ?? 0), 0)

/**
 * Which directories to remove: ours, beyond the newest `kept`, and none that is protected (what serves, and what a
 * failure would go back to).
 */
export const superfluous = (
  names: ReadonlyArray<string>,
  kept: number,
  isProtected: ReadonlySet<string>
): ReadonlyArray<string> =>
  names
    .filter((name) => sequenceOf(name) !== null)
    .toSorted((a, b) => (sequenceOf(b) ?? 0) - (sequenceOf(a) ?? 0))
    .filter((name, index) => index >= kept && !isProtected.has(name))
