import type { Configuration, Entry, SnapshotMetadata } from "@nxmesh/raft/core/Types"
import type { Append } from "@nxmesh/raft/storage/Storage"
import type { LogOptions } from "@nxmesh/raft/storage/log/SegmentedLog"

export const configuration: Configuration = {
  voters: ["a", "b", "c"],
  learners: [],
  outgoing: [],
  learnersNext: [],
  autoLeave: true
}

/** Bytes that say which entry they belong to. */
export const content = (index: number, term: number, length = 24): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (index * 31 + term * 7 + i) & 255)

export const command = (index: number, term: number, length?: number): Entry => ({
  kind: "Command",
  index,
  term,
  data: content(index, term, length)
})

export const commands = (from: number, to: number, term: number, length?: number): ReadonlyArray<Entry> =>
  Array.from({ length: to - from + 1 }, (_, i) => command(from + i, term, length))

export const entriesOnly = (entries: ReadonlyArray<Entry>): Append => ({ hardState: null, truncateFrom: null, entries })

export const snapshotAt = (index: number, term: number): SnapshotMetadata => ({ index, term, configuration })

/** So small that a few entries fill a segment. */
export const tinyLog: LogOptions = { segmentBytes: 1_536, growBytes: 512, bufferBytes: 700 }
