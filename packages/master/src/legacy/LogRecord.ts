/**
 * One entry in a file of the log that masters had before Raft: a header of 28 bytes, then the payload. It is read, and
 * not written any more.
 *
 *   0  magic        u32
 *   4  length       u32  of the payload
 *   8  checksum     u32  CRC-32 of everything from here on, and of the length
 *  12  index        u64
 *  20  durableUpTo  u64  offset in this file up to which everything was on disk when this record was written
 *
 * `durableUpTo` tells a torn tail from a damaged middle: whatever lies below that offset of a later record had been
 * fsynced, so a fault there is damage; a fault above it is a write that no one was told of.
 */
import { crc32 } from "node:zlib"

const magic = 0x4e58_4c31
const headerBytes = 28

export interface LogRecord {
  readonly index: number
  readonly payload: Uint8Array
}

const checksumOf = (record: Buffer, payloadBytes: number): number =>
  crc32(record.subarray(12, headerBytes + payloadBytes), crc32(record.subarray(4, 8)))

export interface DecodedRecord extends LogRecord {
  readonly durableUpTo: number
  /** Offset of what follows. */
  readonly end: number
}

/** The record at the offset, or `undefined` when there is no whole and sound one. */
export const decodeRecord = (file: Buffer, offset: number): DecodedRecord | undefined => {
  if (offset + headerBytes > file.length) return undefined
  const header = file.subarray(offset, offset + headerBytes)
  if (header.readUInt32BE(0) !== magic) return undefined
  const length = header.readUInt32BE(4)
  const end = offset + headerBytes + length
  if (end > file.length) return undefined
  const record = file.subarray(offset, end)
  if (record.readUInt32BE(8) !== checksumOf(record, length)) return undefined
  return {
    index: Number(header.readBigUInt64BE(12)),
    durableUpTo: Number(header.readBigUInt64BE(20)),
    payload: record.subarray(headerBytes),
    end
  }
}

const magicBytes = Buffer.from([0x4e, 0x58, 0x4c, 0x31])

/** Whether some sound record after the offset was written when the offset was on disk already. */
export const wasDurable = (file: Buffer, offset: number): boolean => {
  for (let at = file.indexOf(magicBytes, offset); at >= 0; at = file.indexOf(magicBytes, at + 1)) {
    const record = decodeRecord(file, at)
    if (record !== undefined && record.durableUpTo > offset) return true
  }
  return false
}
