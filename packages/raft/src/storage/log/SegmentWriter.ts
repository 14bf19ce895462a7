/**
 * The end of the log: the segment that grows. Records gather in a buffer; one write and one flush make them durable.
 *
 * The file is filled with zeros ahead of the records, in steps: a flush that need not record a new size takes about
 * two thirds of the time (bench/raft-log.ts), and no single append pays for a whole segment.
 */
import type { Index, Term } from "../../core/Types.ts"
import type { File } from "../file/FileSystem.ts"
import { systemCall } from "../file/SystemCall.ts"
import type { DurableMark } from "./DurableMark.ts"
import { encodeRecord, recordBytes, viewOf } from "./RecordFormat.ts"
import type { RecordKind } from "./RecordFormat.ts"

export interface SegmentEnd {
  readonly segment: number
  readonly path: string
  readonly file: File
  /** Where the next record goes. Everything before it is durable. */
  readonly position: number
  /** The file's size: zeros from `position` on. */
  readonly allocated: number
  /** Of the record before. */
  readonly checksum: number
}

export interface WriterOptions {
  /** Zeros are written ahead by so much. */
  readonly growBytes: number
  /** Records gathered in memory before they are written, though not flushed. */
  readonly bufferBytes: number
}

const none = new Uint8Array(0)

export class SegmentWriter {
  readonly segment: number
  readonly path: string
  readonly file: File
  checksum: number
  private durableTo: number
  private allocated: number
  /** Where the buffer goes, and how much of it is filled. */
  private bufferOffset: number
  private buffered = 0
  private buffer: Uint8Array<ArrayBuffer>
  private view: DataView
  private readonly options: WriterOptions
  private readonly mark: DurableMark

  constructor(end: SegmentEnd, mark: DurableMark, options: WriterOptions) {
    this.mark = mark
    this.segment = end.segment
    this.path = end.path
    this.file = end.file
    this.checksum = end.checksum
    this.durableTo = end.position
    this.bufferOffset = end.position
    this.allocated = end.allocated
    this.options = options
    this.buffer = new Uint8Array(options.bufferBytes)
    this.view = viewOf(this.buffer)
  }

  /** Where the next record goes. */
  get position(): number {
    return this.bufferOffset + this.buffered
  }

  /** Adds a record; returns its offset. Nothing is durable before `sync`. */
  write(kind: RecordKind, index: Index, term: Term, data: Uint8Array = none): number {
    const size = recordBytes(data.length)
    if (this.buffered + size > this.buffer.length) this.makeRoom(size)
    const offset = this.position
    this.checksum = encodeRecord(
      this.view,
      this.buffer,
      this.buffered,
      { previous: this.checksum, kind, index, term, segment: this.segment, offset, durableTo: this.durableTo },
      data
    )
    this.buffered += size
    return offset
  }

  /** Hands what is gathered to the operating system, so that it can be read back. */
  flush(): void {
    if (this.buffered === 0) return
    this.grow(this.position)
    systemCall("write", this.path, this.bufferOffset, () =>
      this.file.write(this.buffer.subarray(0, this.buffered), this.bufferOffset)
    )
    this.bufferOffset += this.buffered
    this.buffer.fill(0, 0, this.buffered)
    this.buffered = 0
  }

  /** Makes every record durable. */
  sync(): void {
    this.flush()
    if (this.durableTo === this.position) return
    systemCall("flush", this.path, this.durableTo, () => this.file.sync())
    this.durableTo = this.position
    this.mark.write({ segment: this.segment, offset: this.durableTo })
  }

  /** A record larger than the buffer gets one of its own size, for once. */
  private makeRoom(size: number): void {
    this.flush()
    const wanted = Math.max(size, this.options.bufferBytes)
    if (this.buffer.length >= size && this.buffer.length <= wanted) return
    this.buffer = new Uint8Array(wanted)
    this.view = viewOf(this.buffer)
  }

  private grow(needed: number): void {
    if (needed <= this.allocated) return
    const to = Math.max(needed, this.allocated + this.options.growBytes)
    const zeros = new Uint8Array(to - this.allocated)
    systemCall("allocate", this.path, this.allocated, () => this.file.write(zeros, this.allocated))
    this.allocated = to
  }
}
