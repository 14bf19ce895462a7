/**
 * The head of a segment file, which is durable before a record follows.
 *
 * ```
 *  0 "RAFTSEG1"
 *  8 u32 checksum      CRC-32C of everything after it, up to 40
 * 12 u32 segment       ids count from 1 without a gap and are never used twice: a missing file is seen
 * 16 u64 lastIndex     last index of the log when the segment began
 * 24 u64 lastTerm
 * 32 u32 previous      checksum of the last record of the segment before: a segment that lost its end is seen
 * 36 u32 zero
 * ```
 */
import { crc32c } from "../Crc32c.ts"
import { readUint64, viewOf, writeUint64 } from "./RecordFormat.ts"

export interface SegmentHeader {
  readonly segment: number
  readonly lastIndex: number
  readonly lastTerm: number
  readonly previous: number
}

export const segmentHeaderBytes = 40
const magic = new TextEncoder().encode("RAFTSEG1")

export const encodeSegmentHeader = (header: SegmentHeader): Uint8Array => {
  const bytes = new Uint8Array(segmentHeaderBytes)
  const view = viewOf(bytes)
  bytes.set(magic)
  view.setUint32(12, header.segment, true)
  writeUint64(view, 16, header.lastIndex)
  writeUint64(view, 24, header.lastTerm)
  view.setUint32(32, header.previous, true)
  view.setUint32(8, crc32c(bytes, 12), true)
  return bytes
}

/** `null` when it is not whole, or is the head of another segment. */
export const decodeSegmentHeader = (bytes: Uint8Array, segment: number): SegmentHeader | null => {
  if (bytes.length < segmentHeaderBytes || magic.some((byte, i) => bytes[i] !== byte)) return null
  const view = viewOf(bytes)
  if (view.getUint32(8, true) !== crc32c(bytes, 12, segmentHeaderBytes)) return null
  if (view.getUint32(12, true) !== segment) return null
  return {
    segment,
    lastIndex: readUint64(view, 16),
    lastTerm: readUint64(view, 24),
    previous: view.getUint32(32, true)
  }
}

const pattern = /^log-(\d{10})\.segment$/

export const segmentName = (segment: number): string => `log-${String(segment).padStart(10, "0")}.segment`

export const segmentOf = (name: string): number | null => {
  const digits = pattern.exec(name)?.[1]
  return digits === undefined ? null : Number(digits)
}
