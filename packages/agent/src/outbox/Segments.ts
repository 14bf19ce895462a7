/**
 * What the outbox knows of its segment files, oldest first, and which of them go when it is too large or too old. Whole
 * segments go: removing a file is one call, and needs no room on a full disk. Pure.
 */
import * as Counts from "./Counts.ts"
import type { OutboxLine } from "./OutboxLine.ts"

export interface Segment {
  readonly file: string
  readonly first: number
  readonly last: number
  readonly bytes: number
  readonly oldestAtMillis: number
  readonly newestAtMillis: number
  readonly reports: Counts.Counts
}

export const emptySegment = (file: string): Segment => ({
  file,
  first: 0,
  last: 0,
  bytes: 0,
  oldestAtMillis: 0,
  newestAtMillis: 0,
  reports: Counts.none
})

/** Names sort as their first sequences do. */
export const fileOf = (firstSequence: number): string => `${String(firstSequence).padStart(16, "0")}.segment`
export const isSegmentFile = (name: string): boolean => /^[0-9]{16}\.segment$/.test(name)

export const withLine = (segment: Segment, line: OutboxLine, bytes: number): Segment => ({
  ...segment,
  first: segment.last === 0 ? line.sequence : segment.first,
  last: line.sequence,
  bytes: segment.bytes + bytes,
  oldestAtMillis: segment.last === 0 ? line.atMillis : segment.oldestAtMillis,
  newestAtMillis: line.atMillis,
  reports: Counts.add(segment.reports, Counts.one(line.kind))
})

export const bytesOf = (segments: ReadonlyArray<Segment>): number => segments.reduce((sum, { bytes }) => sum + bytes, 0)

export interface Bounds {
  readonly bytesMax: number
  readonly ageMaxMillis: number
}

/** How many of the oldest segments go before `moreBytes` are written: until it fits, and all that hold nothing recent. */
export const surplus = (
  segments: ReadonlyArray<Segment>,
  moreBytes: number,
  nowMillis: number,
  { ageMaxMillis, bytesMax }: Bounds
): number => {
  let bytes = bytesOf(segments) + moreBytes
  let count = 0
  for (const segment of segments) {
    if (bytes <= bytesMax && nowMillis - segment.newestAtMillis <= ageMaxMillis) break
    bytes -= segment.bytes
    count += 1
  }
  return count
}

/** How many of the oldest segments hold nothing that is still to be sent. */
export const finished = (segments: ReadonlyArray<Segment>, acknowledged: number): number => {
  const first = segments.findIndex(({ last }) => last > acknowledged)
  return first === -1 ? segments.length : first
}

/** A segment is left for the next one at this size, so that dropping the oldest drops about a sixteenth. */
export const segmentBytes = (bytesMax: number): number => Math.min(1_048_576, Math.ceil(bytesMax / 16))
