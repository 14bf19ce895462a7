/**
 * A snapshot file. It counts only under its final name, which it gets when it is whole and durable.
 *
 * ```
 *  0 "RAFTSNAP"
 *  8 u32 checksum of 12..             the head is written first
 * 12 u32 bytes of metadata
 * 16 metadata as JSON, zeros up to `headBytes`, a multiple of 4096
 *    4096 bytes: the end, written last:  u32 checksum of the rest   u32 content checksum   u64 content bytes   u32 1
 *    blocks:                             u32 checksum of the rest   u32 bytes   u32 number   u32 head's checksum   content
 * ```
 *
 * Blocks are of one size but for the last, so that any offset is found without an index, and an interrupted transfer
 * goes on after the last whole block.
 */
import type { SnapshotMetadata } from "../../core/Types.ts"
import { Limits } from "../../Limits.ts"
import { crc32c } from "../Crc32c.ts"
import { readUint64, viewOf, writeUint64 } from "../log/RecordFormat.ts"
import type { SnapshotContent } from "./SnapshotStore.ts"

const magic = new TextEncoder().encode("RAFTSNAP")
const pageBytes = 4_096
const fixedHeadBytes = 16
/** A head larger than this is not one of ours. */
const metadataBytesMax = Limits.storage.snapshotMetadataBytesMax

export const blockHeadBytes = 16
export const blockContentBytes = 65_536

export interface SnapshotHead {
  readonly metadata: SnapshotMetadata
  /** What the sender says of it; `null` when it was made here. */
  readonly content: SnapshotContent | null
  /** Part of every block, so that a block of another snapshot is refused. */
  readonly checksum: number
  readonly headBytes: number
}

const headBytesOf = (metadataBytes: number): number =>
  Math.ceil((fixedHeadBytes + metadataBytes) / pageBytes) * pageBytes

export const encodeHead = (metadata: SnapshotMetadata, content: SnapshotContent | null) => {
  const json = new TextEncoder().encode(JSON.stringify({ metadata, content }))
  const headBytes = headBytesOf(json.length)
  const bytes = new Uint8Array(headBytes)
  const view = viewOf(bytes)
  bytes.set(magic)
  view.setUint32(12, json.length, true)
  bytes.set(json, fixedHeadBytes)
  const checksum = crc32c(bytes, 12)
  view.setUint32(8, checksum, true)
  const head: SnapshotHead = { metadata, content, checksum, headBytes }
  return { bytes, head }
}

/** How many bytes `decodeHead` wants, from the first sixteen; `null` when they are not the start of a snapshot. */
export const headSize = (start: Uint8Array): number | null => {
  if (start.length < fixedHeadBytes || magic.some((byte, i) => start[i] !== byte)) return null
  const metadataBytes = viewOf(start).getUint32(12, true)
  return metadataBytes > metadataBytesMax ? null : headBytesOf(metadataBytes)
}

export const decodeHead = (bytes: Uint8Array): SnapshotHead | null => {
  const headBytes = headSize(bytes)
  if (headBytes === null || bytes.length < headBytes) return null
  const view = viewOf(bytes)
  const checksum = crc32c(bytes, 12, headBytes)
  if (view.getUint32(8, true) !== checksum) return null
  const json = bytes.subarray(fixedHeadBytes, fixedHeadBytes + view.getUint32(12, true))
  const said = JSON.parse(new TextDecoder().decode(json)) as Pick<SnapshotHead, "metadata" | "content">
  return { ...said, checksum, headBytes }
}

export const endBytes = 20

export const encodeEnd = ({ bytes, checksum }: SnapshotContent): Uint8Array => {
  const encoded = new Uint8Array(endBytes)
  const view = viewOf(encoded)
  view.setUint32(4, checksum, true)
  writeUint64(view, 8, bytes)
  view.setUint32(16, 1, true)
  view.setUint32(0, crc32c(encoded, 4), true)
  return encoded
}

export const decodeEnd = (bytes: Uint8Array): SnapshotContent | null => {
  if (bytes.length < endBytes) return null
  const view = viewOf(bytes)
  if (view.getUint32(0, true) !== crc32c(bytes, 4, endBytes) || view.getUint32(16, true) !== 1) return null
  return { bytes: readUint64(view, 8), checksum: view.getUint32(4, true) }
}

export const blockOffset = (head: SnapshotHead, number: number): number =>
  head.headBytes + pageBytes + number * (blockHeadBytes + blockContentBytes)

export const encodeBlock = (head: SnapshotHead, number: number, content: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(blockHeadBytes + content.length)
  const view = viewOf(bytes)
  view.setUint32(4, content.length, true)
  view.setUint32(8, number, true)
  view.setUint32(12, head.checksum, true)
  bytes.set(content, blockHeadBytes)
  view.setUint32(0, crc32c(bytes, 4), true)
  return bytes
}

/** The content of block `number`, or `null` when it is not whole, or is another block. */
export const decodeBlock = (head: SnapshotHead, number: number, bytes: Uint8Array): Uint8Array | null => {
  if (bytes.length < blockHeadBytes) return null
  const view = viewOf(bytes)
  const length = view.getUint32(4, true)
  if (length > blockContentBytes || blockHeadBytes + length > bytes.length) return null
  if (view.getUint32(0, true) !== crc32c(bytes, 4, blockHeadBytes + length)) return null
  if (view.getUint32(8, true) !== number || view.getUint32(12, true) !== head.checksum) return null
  return bytes.subarray(blockHeadBytes, blockHeadBytes + length)
}

const digits = 16
const pattern = /^snapshot-(\d{16})-(\d{16})\.(snapshot|partial)$/

export const snapshotName = ({ index, term }: SnapshotMetadata, state: "snapshot" | "partial"): string =>
  `snapshot-${String(index).padStart(digits, "0")}-${String(term).padStart(digits, "0")}.${state}`

export interface SnapshotName {
  readonly name: string
  readonly index: number
  readonly term: number
  readonly isPartial: boolean
}

export const parseSnapshotName = (name: string): SnapshotName | null => {
  const match = pattern.exec(name)
  return match === null
    ? null
    : { name, index: Number(match[1]), term: Number(match[2]), isPartial: match[3] === "partial" }
}
