/**
 * One record of the log, as bytes. Numbers are little-endian; a record starts at a multiple of 8.
 *
 * ```
 *  0 u32 checksum    CRC-32C of everything after it
 *  4 u32 length      bytes of data
 *  8 u32 previous    checksum of the record before: a record that follows another one than it was written after is refused
 * 12 u32 kind
 * 16 u64 index
 * 24 u64 term
 * 32 u32 segment     ┐ where it was written: a sector that a disk puts elsewhere, or an old one that it brings back,
 * 36 u32 offset      ┘ is refused
 * 40 u32 durableTo   the file was durable up to here before this record was written
 * 44     data
 * ```
 *
 * `durableTo` is what tells a torn tail from a damaged middle: a record that cannot be read, followed by one that says
 * that it was durable, has been damaged since. Without it a damaged entry looks like one that never got to the disk, and
 * an acknowledged write is lost in silence. DurableMark.ts does the same for the newest records, which nothing follows (Alagappan et al., "Protocol-Aware Recovery for Consensus-Based Storage", FAST '18).
 */
import { crc32c } from "../Crc32c.ts"

export const RecordKind = {
  Empty: 1,
  Command: 2,
  Configuration: 3,
  /** Entries from `index` on are no longer part of the log. */
  Truncate: 4,
  /** A snapshot that ends with `index` and `term` took the place of every entry. */
  Reset: 5
} as const
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind]

export interface RecordHeader {
  readonly checksum: number
  readonly length: number
  readonly previous: number
  readonly kind: number
  readonly index: number
  readonly term: number
  readonly segment: number
  readonly offset: number
  readonly durableTo: number
}

export const recordHeaderBytes = 44
const alignment = 8
const kindMax = RecordKind.Reset
const high = 0x1_0000_0000

/** What a record with so much data takes in the file. */
export const recordBytes = (dataBytes: number): number =>
  Math.ceil((recordHeaderBytes + dataBytes) / alignment) * alignment

export const writeUint64 = (view: DataView, at: number, value: number): void => {
  view.setUint32(at, value >>> 0, true)
  view.setUint32(at + 4, Math.floor(value / high), true)
}

/** Values above 2^53 are no number of ours; they read as something that no check accepts. */
export const readUint64 = (view: DataView, at: number): number =>
  view.getUint32(at + 4, true) * high + view.getUint32(at, true)

/** Writes a record at `at` of the bytes under `view`; returns its checksum. The space must be there, and zero after the data. */
export const encodeRecord = (
  view: DataView,
  bytes: Uint8Array,
  at: number,
  header: Omit<RecordHeader, "checksum" | "length">,
  data: Uint8Array
): number => {
  view.setUint32(at + 4, data.length, true)
  view.setUint32(at + 8, header.previous, true)
  view.setUint32(at + 12, header.kind, true)
  writeUint64(view, at + 16, header.index)
  writeUint64(view, at + 24, header.term)
  view.setUint32(at + 32, header.segment, true)
  view.setUint32(at + 36, header.offset, true)
  view.setUint32(at + 40, header.durableTo, true)
  bytes.set(data, at + recordHeaderBytes)
  const checksum = crc32c(bytes, at + 4, at + recordHeaderBytes + data.length)
  view.setUint32(at, checksum, true)
  return checksum
}

/** The record at `at`, if there is a whole one that was written as part of `segment` at `offset`; else `null`. */
export const decodeRecord = (
  view: DataView,
  bytes: Uint8Array,
  at: number,
  segment: number,
  offset: number
): RecordHeader | null => {
  if (at + recordHeaderBytes > bytes.length) return null
  if (view.getUint32(at + 36, true) !== offset || view.getUint32(at + 32, true) !== segment) return null
  const length = view.getUint32(at + 4, true)
  const kind = view.getUint32(at + 12, true)
  if (kind < 1 || kind > kindMax || at + recordHeaderBytes + length > bytes.length) return null
  const checksum = view.getUint32(at, true)
  if (crc32c(bytes, at + 4, at + recordHeaderBytes + length) !== checksum) return null
  return {
    checksum,
    length,
    previous: view.getUint32(at + 8, true),
    kind,
    index: readUint64(view, at + 16),
    term: readUint64(view, at + 24),
    segment,
    offset,
    durableTo: view.getUint32(at + 40, true)
  }
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
