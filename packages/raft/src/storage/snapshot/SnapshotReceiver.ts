import { dirname } from "node:path"
import type { Snapshot } from "../../core/Types.ts"
import { Limits } from "../../Limits.ts"
import { crc32c } from "../Crc32c.ts"
import type { FileSystem } from "../file/FileSystem.ts"
import { systemCall } from "../file/SystemCall.ts"
import { misuse, StorageError } from "../StorageError.ts"
import { openVerified, SnapshotFile } from "./SnapshotFile.ts"
import { blockContentBytes, blockOffset, encodeBlock, encodeEnd } from "./SnapshotFormat.ts"
import type { SnapshotWriter } from "./SnapshotStore.ts"

const blocksPerFlush = Math.ceil(Limits.storage.snapshotFlushBytes / blockContentBytes)

/** Writes a snapshot block by block. What does not fill a block waits in memory, and is asked for again after a crash. */
export class SnapshotReceiver implements SnapshotWriter {
  private readonly files: FileSystem
  private readonly target: SnapshotFile
  private readonly finalPath: string
  private readonly counts: (file: SnapshotFile, info: Snapshot) => void
  private readonly pending = new Uint8Array(blockContentBytes)
  private pendingBytes = 0
  private blocks = 0
  private checksum = 0
  private isOpen = true

  /** `counts` is told once the snapshot is durable under its name. */
  constructor(
    files: FileSystem,
    target: SnapshotFile,
    finalPath: string,
    counts: (file: SnapshotFile, info: Snapshot) => void
  ) {
    this.files = files
    this.target = target
    this.finalPath = finalPath
    this.counts = counts
    this.resume()
  }

  get received(): number {
    return this.blocks * blockContentBytes + this.pendingBytes
  }

  write(offset: number, data: Uint8Array): void {
    this.assertOpen()
    if (offset !== this.received) throw misuse(`a snapshot chunk begins at ${offset}, expected ${this.received}`)
    for (let at = 0; at < data.length;) {
      const part = data.subarray(at, at + blockContentBytes - this.pendingBytes)
      this.pending.set(part, this.pendingBytes)
      this.pendingBytes += part.length
      at += part.length
      if (this.pendingBytes === blockContentBytes) this.writeBlock()
    }
  }

  finish(): Snapshot {
    this.assertOpen()
    const bytes = this.received
    if (this.pendingBytes > 0) this.writeBlock()
    const { target, files } = this
    const expected = target.head.content
    if (expected !== null && (expected.bytes !== bytes || expected.checksum !== this.checksum)) {
      const detail = `what was received is not what was sent: ${bytes} bytes of ${expected.bytes}, or another checksum`
      this.abandon()
      throw new StorageError({ reason: "Transfer", file: target.path, offset: null, detail })
    }
    const end = encodeEnd({ bytes, checksum: this.checksum })
    systemCall("write", target.path, null, () => target.file.write(end, target.head.headBytes))
    systemCall("flush", target.path, null, () => target.file.sync())
    this.isOpen = false
    target.close()
    const { file, info } = openVerified(files, target.path)
    systemCall("rename", target.path, null, () => files.rename(target.path, this.finalPath))
    systemCall("flush", dirname(this.finalPath), null, () => files.syncDirectory(dirname(this.finalPath)))
    this.counts(new SnapshotFile(this.finalPath, file.file, file.head), info)
    return info
  }

  abandon(): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.target.close()
    systemCall("remove", this.target.path, null, () => this.files.remove(this.target.path))
  }

  /** Keeps what was received, to go on with it later. */
  close(): void {
    if (this.isOpen) this.target.close()
    this.isOpen = false
  }

  private assertOpen(): void {
    if (!this.isOpen) throw misuse("this snapshot is finished or abandoned")
  }

  /** Goes on after the last whole block of an earlier attempt. */
  private resume(): void {
    for (;;) {
      const content = this.target.block(this.blocks)
      if (content === null || content.length !== blockContentBytes) return
      this.checksum = crc32c(content, 0, content.length, this.checksum)
      this.blocks += 1
    }
  }

  private writeBlock(): void {
    const content = this.pending.subarray(0, this.pendingBytes)
    const offset = blockOffset(this.target.head, this.blocks)
    const block = encodeBlock(this.target.head, this.blocks, content)
    systemCall("write", this.target.path, offset, () => this.target.file.write(block, offset))
    this.checksum = crc32c(content, 0, content.length, this.checksum)
    if (this.pendingBytes === blockContentBytes) {
      this.blocks += 1
      this.pendingBytes = 0
      if (this.blocks % blocksPerFlush === 0)
        systemCall("flush", this.target.path, offset, () => this.target.file.sync())
    }
  }
}
