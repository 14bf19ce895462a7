/** Reads one segment from its bytes: its records, where they end, and whether what follows was ever durable. Pure. */
import { decodeRecord, recordBytes, viewOf } from "./RecordFormat.ts"
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
  /** Bytes that are not zero follow the end: what is left of writes that no flush confirmed. */
  readonly torn: boolean
}

const step = 8

/** The first whole record after `end` that says that `end` was durable. */
const findProof = (bytes: Uint8Array, segment: number, end: number): number | null => {
  const view = viewOf(bytes)
  for (let at = end; at + step <= bytes.length; at += step) {
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
  const { checksum, end, records } =
    header === null ? { checksum: 0, end: 0, records: [] } : readRecords(bytes, segment, header.previous)
  const torn = !isZero(bytes, end)
  const proofOfDamage = torn ? findProof(bytes, segment, end) : null
  return { header, records, end, checksum, torn, proofOfDamage }
}

/** Records from the head on, for as long as each is whole and follows the one before it. */
const readRecords = (bytes: Uint8Array, segment: number, previous: number) => {
  const records: Array<RecordHeader> = []
  const view = viewOf(bytes)
  let end = segmentHeaderBytes
  let checksum = previous
  for (;;) {
    const record = decodeRecord(view, bytes, end, segment, end)
    if (record === null || record.previous !== checksum) return { records, end, checksum }
    records.push(record)
    checksum = record.checksum
    end += recordBytes(record.length)
  }
}
