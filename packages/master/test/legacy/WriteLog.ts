/** Writes the log that masters had before Raft, as they wrote it: src/legacy/ reads it. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { crc32 } from "node:zlib"

const magic = 0x4e58_4c31
const headerBytes = 28

export const segmentHeaderBytes = 16

export const segmentHeader = (firstIndex: number): Buffer => {
  const header = Buffer.alloc(segmentHeaderBytes)
  header.write("NXMLOG01", "latin1")
  header.writeBigUInt64BE(BigInt(firstIndex), 8)
  return header
}

const recordBytes = (payloadBytes: number): number => headerBytes + payloadBytes

const checksumOf = (record: Buffer, payloadBytes: number): number =>
  crc32(record.subarray(12, headerBytes + payloadBytes), crc32(record.subarray(4, 8)))

/** Encodes records that follow one another from `firstIndex` on and are written at `durableUpTo` with one fsync. */
export const encodeRecords = (payloads: ReadonlyArray<Uint8Array>, firstIndex: number, durableUpTo: number): Buffer => {
  const buffer = Buffer.allocUnsafe(payloads.reduce((sum, payload) => sum + recordBytes(payload.length), 0))
  let offset = 0
  payloads.forEach((payload, position) => {
    const record = buffer.subarray(offset, offset + recordBytes(payload.length))
    record.writeUInt32BE(magic, 0)
    record.writeUInt32BE(payload.length, 4)
    record.writeBigUInt64BE(BigInt(firstIndex + position), 12)
    record.writeBigUInt64BE(BigInt(durableUpTo), 20)
    record.set(payload, headerBytes)
    record.writeUInt32BE(checksumOf(record, payload.length), 8)
    offset += record.length
  })
  return buffer
}

/** A log of these segments, whose entries follow one another from the first index on. Answers its files. */
export const writeLog = (
  directory: string,
  segments: ReadonlyArray<ReadonlyArray<string>>,
  firstIndex = 1
): ReadonlyArray<string> => {
  mkdirSync(directory, { recursive: true })
  let next = firstIndex
  return segments.map((texts) => {
    const file = join(directory, `${String(next).padStart(16, "0")}.log`)
    const payloads = texts.map((text) => Buffer.from(text))
    writeFileSync(file, Buffer.concat([segmentHeader(next), encodeRecords(payloads, next, segmentHeaderBytes)]))
    next += texts.length
    return file
  })
}
