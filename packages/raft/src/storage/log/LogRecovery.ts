/**
 * Opens the log after whatever happened to it. What no flush had confirmed is cut; what had been durable and cannot be
 * read stops the node. The caller reconciles the result with the snapshot (DiskStorage.ts).
 */
import { join } from "node:path"
import type { Term } from "../../core/Types.ts"
import type { File, FileSystem } from "../file/FileSystem.ts"
import { readWhole } from "../file/FileSystem.ts"
import { systemCall } from "../file/SystemCall.ts"
import { StorageError } from "../StorageError.ts"
import { DurableMark } from "./DurableMark.ts"
import type { LogPosition } from "./DurableMark.ts"
import { EntryPositions } from "./EntryPositions.ts"
import { RecordKind } from "./RecordFormat.ts"
import type { RecordHeader } from "./RecordFormat.ts"
import { createSegment } from "./SegmentedLog.ts"
import type { RecoveredLog, SealedSegment } from "./SegmentedLog.ts"
import { encodeSegmentHeader, segmentHeaderBytes, segmentName, segmentOf } from "./SegmentFormat.ts"
import { scanSegment } from "./SegmentScan.ts"
import type { SegmentScan } from "./SegmentScan.ts"
import type { SegmentEnd } from "./SegmentWriter.ts"

/** What was left of writes that no flush had confirmed. */
export interface TornTail {
  readonly file: string
  readonly offset: number
}

export interface LogRecovery {
  readonly log: RecoveredLog
  readonly torn: TornTail | null
}

const damaged = (file: string, offset: number, detail: string): StorageError =>
  new StorageError({ reason: "Damaged", file, offset, detail })

const zeroChunkBytes = 1_048_576

class Recovery {
  private readonly files: FileSystem
  private readonly directory: string
  private positions: EntryPositions | null = null
  private lastTerm: Term = 0
  /** Of the last record, and where it ends. */
  private checksum = 0
  private end = 0
  private readonly mark: DurableMark
  private readonly marked: LogPosition | null

  constructor(files: FileSystem, directory: string) {
    this.files = files
    this.directory = directory
    this.mark = new DurableMark(files, directory)
    this.marked = this.mark.read()
  }

  run(segments: ReadonlyArray<number>): LogRecovery {
    const newest = segments.at(-1)
    if (newest === undefined) throw new Error("a log has at least one segment")
    this.assertRow(segments)
    this.assertNewest(newest)
    const sealed = segments.slice(0, -1).map((segment) => this.readSealed(segment))
    const { end, torn } = this.readNewest(newest)
    const positions = this.positions ?? new EntryPositions(1)
    return { log: { positions, lastTerm: this.lastTerm, sealed, end, mark: this.mark }, torn }
  }

  private assertRow(segments: ReadonlyArray<number>): void {
    segments.forEach((segment, i) => {
      const expected = (segments[0] as number) + i
      if (segment === expected) return
      const file = join(this.directory, segmentName(expected))
      throw new StorageError({ reason: "Missing", file, offset: null, detail: "this log file is missing" })
    })
  }

  private assertNewest(newest: number): void {
    if (this.marked === null || this.marked.segment <= newest) return
    const file = this.pathOf(newest + 1)
    throw new StorageError({ reason: "Missing", file, offset: null, detail: "this log file, the newest, is missing" })
  }

  private pathOf(segment: number): string {
    return join(this.directory, segmentName(segment))
  }

  private scan(segment: number): { readonly scan: SegmentScan; readonly size: number } {
    const path = this.pathOf(segment)
    const bytes = systemCall("read", path, null, () => readWhole(this.files, path))
    const scan = scanSegment(bytes, segment)
    if (scan.proofOfDamage !== null) {
      const detail = `the record here is damaged: the record at offset ${scan.proofOfDamage} was written after it had been flushed`
      throw damaged(path, scan.end, detail)
    }
    if (this.marked?.segment === segment && this.marked.offset > scan.end) {
      const detail = `the record here is damaged: the log had been flushed up to offset ${this.marked.offset}`
      throw damaged(path, scan.end, detail)
    }
    this.follow(path, scan)
    return { scan, size: bytes.length }
  }

  /** A segment goes on where the one before ended; the first of all is taken at its word. */
  private follow(path: string, { header, records, checksum, end }: SegmentScan): void {
    if (header === null) return
    if (this.positions === null) {
      this.positions = new EntryPositions(header.lastIndex + 1)
      this.lastTerm = header.lastTerm
    } else if (header.previous !== this.checksum || header.lastIndex !== this.positions.last) {
      const detail = `the records end here, which is not where ${path} goes on: the end is damaged, or one of both files comes from elsewhere`
      throw damaged(this.pathOf(header.segment - 1), this.end, detail)
    }
    for (const record of records) this.apply(path, this.positions, record)
    this.checksum = checksum
    this.end = end
  }

  private apply(path: string, positions: EntryPositions, record: RecordHeader): void {
    if (record.kind === RecordKind.Truncate) positions.truncateFrom(record.index)
    else if (record.kind === RecordKind.Reset) positions.restart(record.index + 1)
    else {
      if (record.index > positions.last + 1) {
        const detail = `the log jumps from index ${positions.last} to ${record.index}`
        throw damaged(path, record.offset, detail)
      }
      positions.truncateFrom(record.index)
      positions.push(record.segment, record.offset, record.term, record.length)
    }
    this.lastTerm = record.term
  }

  /** It was flushed whole before the next one was made: whatever is unreadable in it was readable once. */
  private readSealed(segment: number): SealedSegment {
    const { scan, size } = this.scan(segment)
    const path = this.pathOf(segment)
    if (scan.header === null) throw damaged(path, 0, "the head of this log file is damaged")
    if (scan.torn) throw damaged(path, scan.end, "the record here is damaged, in a file that was complete")
    return { segment, bytes: size }
  }

  private readNewest(segment: number): { readonly end: SegmentEnd; readonly torn: TornTail | null } {
    const path = this.pathOf(segment)
    const { scan, size } = this.scan(segment)
    if (scan.header === null && this.positions === null)
      throw damaged(path, 0, "the head of the only log file is damaged")
    const file = systemCall("open", path, null, () => this.files.open(path, "existing"))
    if (scan.header === null) this.rewriteHead(segment, path, file)
    const position = scan.header === null ? segmentHeaderBytes : scan.end
    if (scan.torn) this.zero(path, file, position, size)
    this.rewrite(path, file, segment, scan)
    this.mark.write({ segment, offset: position })
    const torn = scan.torn ? { file: path, offset: scan.end } : null
    return {
      end: { segment, path, file, position, allocated: Math.max(size, position), checksum: this.checksum },
      torn
    }
  }

  /** The file was being made when everything stopped; nothing is in it. */
  private rewriteHead(segment: number, path: string, file: File): void {
    const header = {
      segment,
      lastIndex: this.positions?.last ?? 0,
      lastTerm: this.lastTerm,
      previous: this.checksum
    }
    systemCall("write", path, 0, () => file.write(encodeSegmentHeader(header), 0))
    systemCall("flush", path, 0, () => file.sync())
  }

  /**
   * What has been read may be in the kernel's cache only, and after a flush that failed the kernel takes it for clean
   * ("fsyncgate"): records that nothing proves durable are written once more, so that the flush has something to do.
   */
  private rewrite(path: string, file: File, segment: number, { records, end }: SegmentScan): void {
    const marked = this.marked?.segment === segment ? this.marked.offset : 0
    const from = Math.max(marked, records.at(-1)?.durableTo ?? end)
    const bytes = new Uint8Array(end - from)
    if (bytes.length > 0) {
      systemCall("read", path, from, () => file.read(bytes, from))
      systemCall("write", path, from, () => file.write(bytes, from))
    }
    systemCall("flush", path, from, () => file.sync())
  }

  /** A record of the cut tail must never follow a new one, so the zeros are durable before anything is appended. */
  private zero(path: string, file: File, from: number, to: number): void {
    for (let at = from; at < to; at += zeroChunkBytes) {
      const zeros = new Uint8Array(Math.min(zeroChunkBytes, to - at))
      systemCall("write", path, at, () => file.write(zeros, at))
    }
    systemCall("flush", path, from, () => file.sync())
  }
}

export const segmentsIn = (names: ReadonlyArray<string>): ReadonlyArray<number> =>
  names
    .map(segmentOf)
    .filter((segment) => segment !== null)
    .sort((a, b) => a - b)

export const recoverLog = (files: FileSystem, directory: string, segments: ReadonlyArray<number>): LogRecovery =>
  new Recovery(files, directory).run(segments)

export const createLog = (files: FileSystem, directory: string): LogRecovery => ({
  log: {
    positions: new EntryPositions(1),
    lastTerm: 0,
    sealed: [],
    end: createSegment(files, directory, { segment: 1, lastIndex: 0, lastTerm: 0, previous: 0 }),
    mark: new DurableMark(files, directory)
  },
  torn: null
})
