/** Reads one segment from its bytes: its records, where they end, and whether what follows was ever durable. Pure. */
import { decodeRecord, recordBytes, RecordKind, viewOf } from "./RecordFormat.ts"
import type { RecordHeader } from "./RecordFormat.ts"
import { decodeSegmentHeader, segmentHeaderBytes } from "./SegmentFormat.ts"
import type { SegmentHeader } from "./SegmentFormat.ts"

export interface SegmentScan {
  /** `null` when the head was not written whole. */
  readonly header: SegmentHeader | null
  readonly records: ReadonlyArray<RecordHeader>
  /** Where the records end, and the next one goes. */
  readonly end: number
  /** Checksum of the last record, or what the head says of the one before. */
  readonly checksum: number
  /** Where a record says that the file had been durable beyond `end`: then `end` is a damaged middle. */
  readonly proofOfDamage: number | null
  /** A mark says that everything up to `end` is durable. */
  readonly marked: boolean
  /** Bytes that are not zero follow the end: what is left of writes that no flush confirmed. */
  readonly torn: boolean
}

const step = 8

/** The first whole record from `from` on that says that `end` was durable. */
const findProof = (bytes: Uint8Array, segment: number, from: number, end: number): number | null => {
  const view = viewOf(bytes)
  for (let at = from; at + step <= bytes.length; at += step) {
    const record = decodeRecord(view, bytes, at, segment, at)
    if (record !== null && record.durableTo > end) return at
  }
  return null
}

const isZero = (bytes: Uint8Array, from: number): boolean => {
  for (let i = from; i < bytes.length; i++) if (bytes[i] !== 0) return false
  return true
}

export const scanSegment = (bytes: Uint8Array, segment: number): SegmentScan => {
  const header = decodeSegmentHeader(bytes, segment)
  const records: Array<RecordHeader> = []
  const view = viewOf(bytes)
  let end = header === null ? 0 : segmentHeaderBytes
  let checksum = header?.previous ?? 0
  let marked = false
  while (header !== null) {
    const record = decodeRecord(view, bytes, end, segment, end)
    if (record === null || record.previous !== checksum) break
    if (record.kind === RecordKind.Mark) {
      marked = true
      break
    }
    records.push(record)
    checksum = record.checksum
    end += recordBytes(record.length)
  }
  const after = marked ? end + recordBytes(0) : end
  const torn = !isZero(bytes, after)
  const proofOfDamage = torn ? findProof(bytes, segment, after, end) : null
  return { header, records, end, checksum, marked, torn, proofOfDamage }
}
