/**
 * The log on disk: segments in a row, each appended to and never changed. To truncate is to append: a record whose
 * index the log has already, or a `Truncate`, drops what was there. So a crash finds either the old tail or the new
 * one, and truncation needs no second file to agree with (Ongaro, thesis 3.3 and 10.2; the segment ids of raft-wal).
 */
import { join } from "node:path"
import type { Entry, Index, Term } from "../../core/Types.ts"
import type { File, FileSystem } from "../file/FileSystem.ts"
import { systemCall } from "../file/SystemCall.ts"
import { StorageError } from "../StorageError.ts"
import type { DurableMark } from "./DurableMark.ts"
import { decodeEntry, entryData } from "./EntryFormat.ts"
import type { EntryPositions } from "./EntryPositions.ts"
import { decodeRecord, recordBytes, recordHeaderBytes, RecordKind, viewOf } from "./RecordFormat.ts"
import { encodeSegmentHeader, segmentHeaderBytes, segmentName } from "./SegmentFormat.ts"
import { SegmentWriter } from "./SegmentWriter.ts"
import type { SegmentEnd, WriterOptions } from "./SegmentWriter.ts"

export interface LogOptions extends WriterOptions {
  /** A segment that is larger is followed by a new one. */
  readonly segmentBytes: number
}

/** A segment that is complete. */
export interface SealedSegment {
  readonly segment: number
  readonly bytes: number
}

/** What recovery found: see LogRecovery.ts. */
export interface RecoveredLog {
  readonly positions: EntryPositions
  /** Term of the last entry, also when a snapshot took its place. */
  readonly lastTerm: Term
  /** Oldest first. */
  readonly sealed: ReadonlyArray<SealedSegment>
  readonly end: SegmentEnd
  readonly mark: DurableMark
}

export const createSegment = (
  files: FileSystem,
  directory: string,
  header: { readonly segment: number; readonly lastIndex: Index; readonly lastTerm: Term; readonly previous: number }
): SegmentEnd => {
  const path = join(directory, segmentName(header.segment))
  const file = systemCall("create", path, null, () => files.open(path, "create"))
  systemCall("write", path, 0, () => file.write(encodeSegmentHeader(header), 0))
  systemCall("flush", path, 0, () => file.sync())
  systemCall("flush", directory, null, () => files.syncDirectory(directory))
  const position = segmentHeaderBytes
  return { segment: header.segment, path, file, position, allocated: position, checksum: header.previous }
}

const kindOf = {
  Empty: RecordKind.Empty,
  Command: RecordKind.Command,
  Configuration: RecordKind.Configuration
} as const

export class SegmentedLog {
  private readonly files: FileSystem
  private readonly directory: string
  private readonly options: LogOptions
  private readonly positions: EntryPositions
  private lastTermSeen: Term
  private readonly mark: DurableMark
  private sealed: Array<SealedSegment>
  private writer: SegmentWriter
  private readonly readers = new Map<number, File>()

  constructor(files: FileSystem, directory: string, recovered: RecoveredLog, options: LogOptions) {
    this.files = files
    this.directory = directory
    this.options = options
    this.positions = recovered.positions
    this.lastTermSeen = recovered.lastTerm
    this.sealed = [...recovered.sealed]
    this.mark = recovered.mark
    this.writer = new SegmentWriter(recovered.end, recovered.mark, options)
  }

  get firstIndex(): Index {
    return this.positions.first
  }

  get lastIndex(): Index {
    return this.positions.last
  }

  get lastTerm(): Term {
    return this.lastTermSeen
  }

  /** The files there are, oldest first. */
  get segments(): ReadonlyArray<number> {
    return [...this.sealed.map(({ segment }) => segment), this.writer.segment]
  }

  /** What the files take, without the zeros ahead of the newest record. */
  get bytes(): number {
    return this.sealed.reduce((sum, { bytes }) => sum + bytes, this.writer.position)
  }

  term(index: Index): Term | null {
    return this.positions.get(index)?.term ?? null
  }

  /** Drops entries from `index` on. `lastTerm` is the term of the entry before it. */
  truncateFrom(index: Index, lastTerm: Term): void {
    if (index > this.positions.last) return
    this.record(RecordKind.Truncate, index, lastTerm)
    this.positions.truncateFrom(index)
    this.lastTermSeen = lastTerm
  }

  /** A snapshot took the place of every entry: the log goes on after it. */
  reset(index: Index, term: Term): void {
    this.record(RecordKind.Reset, index, term)
    this.positions.restart(index + 1)
    this.lastTermSeen = term
  }

  append(entry: Entry): void {
    const data = entryData(entry)
    const offset = this.record(kindOf[entry.kind], entry.index, entry.term, data)
    this.positions.truncateFrom(entry.index)
    this.positions.push(this.writer.segment, offset, entry.term, data.length)
    this.lastTermSeen = entry.term
  }

  sync(): void {
    this.writer.sync()
  }

  /** Entries `from`..`to`, both included, up to `bytesMax` of data but at least one. Both must be in the log. */
  read(from: Index, to: Index, bytesMax: number): ReadonlyArray<Entry> {
    this.writer.flush()
    const entries: Array<Entry> = []
    let bytes = 0
    for (let index = from; index <= to;) {
      const run = this.runFrom(index, to, entries.length === 0, bytesMax - bytes)
      if (run.count === 0) break
      this.readRun(index, run.count, run.bytes, entries)
      bytes += run.bytes
      index += run.count
    }
    return entries
  }

  /** Forgets entries up to and with `index`, and removes the files that hold nothing else, oldest first. */
  compact(index: Index): void {
    this.positions.compactTo(index)
    const oldest = this.positions.get(this.positions.first)?.segment ?? this.writer.segment
    const dead = this.sealed.filter(({ segment }) => segment < oldest)
    if (dead.length === 0) return
    // What makes them dead, a truncation or a reset, may not be durable yet.
    this.writer.sync()
    for (const { segment } of dead) {
      this.readers.get(segment)?.close()
      this.readers.delete(segment)
      const path = join(this.directory, segmentName(segment))
      systemCall("remove", path, null, () => this.files.remove(path))
      // One at a time: a power cut must not leave a hole in the row.
      systemCall("flush", this.directory, null, () => this.files.syncDirectory(this.directory))
    }
    this.sealed = this.sealed.filter(({ segment }) => segment >= oldest)
  }

  close(): void {
    for (const file of this.readers.values()) file.close()
    this.readers.clear()
    this.writer.file.close()
    this.mark.close()
  }

  private record(kind: RecordKind, index: Index, term: Term, data?: Uint8Array): number {
    const size = recordBytes(data?.length ?? 0)
    const position = this.writer.position
    if (position > segmentHeaderBytes && position + size > this.options.segmentBytes) this.roll()
    return this.writer.write(kind, index, term, data)
  }

  /** Seals the segment: it is durable to its last byte before the next one exists. */
  private roll(): void {
    const before = this.writer
    before.sync()
    const end = createSegment(this.files, this.directory, {
      segment: before.segment + 1,
      lastIndex: this.positions.last,
      lastTerm: this.lastTermSeen,
      previous: before.checksum
    })
    this.sealed.push({ segment: before.segment, bytes: before.position })
    this.readers.set(before.segment, before.file)
    this.writer = new SegmentWriter(end, this.mark, this.options)
  }

  /** How many entries from `index` on lie one after the other in one file, within the bytes left. */
  private runFrom(index: Index, to: Index, atLeastOne: boolean, bytesLeft: number) {
    const first = this.positions.get(index)
    let count = 0
    let bytes = 0
    let offset = first?.offset ?? 0
    for (let i = index; i <= to; i++) {
      const position = this.positions.get(i)
      if (position === null || position.segment !== first?.segment || position.offset !== offset) break
      const isDemanded = atLeastOne && count === 0
      if (!isDemanded && bytes + position.length > bytesLeft) break
      count += 1
      bytes += position.length
      offset += recordBytes(position.length)
    }
    return { count, bytes }
  }

  private readRun(index: Index, count: number, dataBytes: number, into: Array<Entry>): void {
    const first = this.positions.get(index)
    if (first === null) return
    const { segment, offset } = first
    const path = join(this.directory, segmentName(segment))
    const bytes = new Uint8Array(dataBytes + count * recordBytes(8))
    const file = this.readerOf(segment, path)
    const have = bytes.subarray(
      0,
      systemCall("read", path, offset, () => file.read(bytes, offset))
    )
    const view = viewOf(bytes)
    let at = 0
    for (let i = index; i < index + count; i++) {
      const record = decodeRecord(view, have, at, segment, offset + at)
      const entry =
        record === null || record.index !== i
          ? null
          : decodeEntry(
              record.kind,
              i,
              record.term,
              bytes.subarray(at + recordHeaderBytes, at + recordHeaderBytes + record.length)
            )
      if (record === null || entry === null) {
        const detail = `the entry at index ${i} cannot be read back: its checksum is wrong`
        throw new StorageError({ reason: "Damaged", file: path, offset: offset + at, detail })
      }
      into.push(entry)
      at += recordBytes(record.length)
    }
  }

  private readerOf(segment: number, path: string): File {
    if (segment === this.writer.segment) return this.writer.file
    const open = this.readers.get(segment)
    if (open !== undefined) return open
    const file = systemCall("open", path, null, () => this.files.open(path, "existing"))
    this.readers.set(segment, file)
    return file
  }
}
