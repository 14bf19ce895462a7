/** One snapshot file: its head, its blocks, its end. */
import type { Snapshot } from "../../core/Types.ts"
import { crc32c } from "../Crc32c.ts"
import type { File, FileSystem } from "../file/FileSystem.ts"
import { systemCall } from "../file/SystemCall.ts"
import { StorageError } from "../StorageError.ts"
import {
  blockContentBytes,
  blockHeadBytes,
  blockOffset,
  decodeBlock,
  decodeEnd,
  decodeHead,
  endBytes,
  headSize
} from "./SnapshotFormat.ts"
import type { SnapshotHead } from "./SnapshotFormat.ts"
import type { SnapshotContent } from "./SnapshotStore.ts"

const damaged = (path: string, offset: number, what: string): StorageError =>
  new StorageError({ reason: "Damaged", file: path, offset, detail: `${what} of this snapshot is damaged` })

const startBytes = 16

export class SnapshotFile {
  readonly path: string
  readonly file: File
  readonly head: SnapshotHead

  constructor(path: string, file: File, head: SnapshotHead) {
    this.path = path
    this.file = file
    this.head = head
  }

  /** `null` when its head is not whole. */
  static open(files: FileSystem, path: string): SnapshotFile | null {
    const file = systemCall("open", path, null, () => files.open(path, "existing"))
    const read = (length: number): Uint8Array => {
      const bytes = new Uint8Array(length)
      return bytes.subarray(
        0,
        systemCall("read", path, 0, () => file.read(bytes, 0))
      )
    }
    const size = headSize(read(startBytes))
    const head = size === null ? null : decodeHead(read(size))
    if (head !== null) return new SnapshotFile(path, file, head)
    file.close()
    return null
  }

  block(number: number): Uint8Array | null {
    const bytes = new Uint8Array(blockHeadBytes + blockContentBytes)
    const offset = blockOffset(this.head, number)
    const have = systemCall("read", this.path, offset, () => this.file.read(bytes, offset))
    return decodeBlock(this.head, number, bytes.subarray(0, have))
  }

  end(): SnapshotContent | null {
    const bytes = new Uint8Array(endBytes)
    const offset = this.head.headBytes
    const have = systemCall("read", this.path, offset, () => this.file.read(bytes, offset))
    return decodeEnd(bytes.subarray(0, have))
  }

  /** Content from `offset` on, of `bytes` that there are. */
  read(offset: number, bytesMax: number, bytes: number): Uint8Array {
    const into = new Uint8Array(Math.max(0, Math.min(bytesMax, bytes - offset)))
    for (let at = 0; at < into.length;) {
      const number = Math.floor((offset + at) / blockContentBytes)
      const within = offset + at - number * blockContentBytes
      const content = this.block(number)
      if (content === null || content.length <= within) {
        throw damaged(this.path, blockOffset(this.head, number), `block ${number}`)
      }
      const part = content.subarray(within, within + into.length - at)
      into.set(part, at)
      at += part.length
    }
    return into
  }

  /** Reads all of it. */
  verify(): Snapshot {
    const end = this.end()
    if (end === null) throw damaged(this.path, this.head.headBytes, "the end")
    let checksum = 0
    let bytes = 0
    for (let number = 0; bytes < end.bytes; number++) {
      const content = this.block(number)
      if (content === null || content.length !== Math.min(blockContentBytes, end.bytes - bytes)) {
        throw damaged(this.path, blockOffset(this.head, number), `block ${number}`)
      }
      checksum = crc32c(content, 0, content.length, checksum)
      bytes += content.length
    }
    if (checksum !== end.checksum) throw damaged(this.path, this.head.headBytes, "the content")
    return { metadata: this.head.metadata, ...end }
  }

  close(): void {
    this.file.close()
  }
}

/** Opens a snapshot that counts and of which only the head is read: each block is verified when it is read. */
export const openHead = (files: FileSystem, path: string): SnapshotFile => {
  const file = SnapshotFile.open(files, path)
  if (file === null) throw damaged(path, 0, "the head")
  return file
}

/** Opens a snapshot that counts: whatever is wrong with it is damage, and never an empty state. */
export const openVerified = (files: FileSystem, path: string): { file: SnapshotFile; info: Snapshot } => {
  const file = openHead(files, path)
  try {
    return { file, info: file.verify() }
  } catch (cause) {
    file.close()
    throw cause
  }
}
