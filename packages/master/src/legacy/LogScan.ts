/** Reads one segment of a log from before Raft and judges its end. Pure over the file's bytes. */
import { decodeRecord, type LogRecord, wasDurable } from "./LogRecord.ts"

export interface SegmentScan {
  readonly records: ReadonlyArray<LogRecord>
  /** Where the sound records end. */
  readonly end: number
  /** Torn: the rest was being written when power failed, and no one was told of it. Damaged: the rest had been durable. */
  readonly rest: "none" | "torn" | "damaged"
}

const magic = Buffer.from("NXMLOG01", "latin1")

/** Every segment starts with this: a magic word and the index of its first record. */
const segmentHeader = (firstIndex: number): Buffer => {
  const header = Buffer.alloc(segmentHeaderBytes)
  magic.copy(header)
  header.writeBigUInt64BE(BigInt(firstIndex), 8)
  return header
}
const segmentHeaderBytes = 16

/** `last`: only the last segment can have a torn tail, because a segment is closed after its fsync. */
export const scanSegment = (file: Buffer, firstIndex: number, last: boolean): SegmentScan => {
  if (!file.subarray(0, segmentHeaderBytes).equals(segmentHeader(firstIndex))) {
    return { records: [], end: 0, rest: last && !wasDurable(file, 0) ? "torn" : "damaged" }
  }
  const records: Array<LogRecord> = []
  let offset = segmentHeaderBytes
  while (offset < file.length) {
    const record = decodeRecord(file, offset)
    if (record === undefined || record.index !== firstIndex + records.length) {
      return { records, end: offset, rest: last && !wasDurable(file, offset) ? "torn" : "damaged" }
    }
    records.push({ index: record.index, payload: record.payload })
    offset = record.end
  }
  return { records, end: offset, rest: "none" }
}
