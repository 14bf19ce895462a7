import type { Index, Snapshot, SnapshotMetadata } from "../../core/Types.ts"
import { crc32c } from "../Crc32c.ts"
import { misuse, StorageError } from "../StorageError.ts"
import type { SnapshotContent, SnapshotStore, SnapshotWriter } from "../snapshot/SnapshotStore.ts"

interface Transfer {
  readonly metadata: SnapshotMetadata
  readonly content: SnapshotContent | null
  chunks: Array<Uint8Array>
  received: number
}

/** Snapshots in memory: durable as soon as they are finished; transfers in progress are lost with a crash. */
export class MemorySnapshots implements SnapshotStore {
  private newest: { readonly info: Snapshot; readonly bytes: Uint8Array } | null = null
  private transfer: Transfer | null = null

  get latest(): Snapshot | null {
    return this.newest?.info ?? null
  }

  read(index: Index, offset: number, bytesMax: number): Uint8Array | null {
    if (this.newest?.info.metadata.index !== index) return null
    return this.newest.bytes.subarray(offset, offset + bytesMax)
  }

  receive(metadata: SnapshotMetadata, content: SnapshotContent | null): SnapshotWriter {
    if (metadata.index <= (this.latest?.metadata.index ?? 0)) {
      throw misuse(`a snapshot up to ${metadata.index} is not newer than the one there is`)
    }
    const transfer = this.interrupted(metadata, content) ?? { metadata, content, chunks: [], received: 0 }
    this.transfer = transfer
    const assertOpen = (): void => {
      if (this.transfer !== transfer) throw misuse("this snapshot is finished or abandoned")
    }
    return {
      get received() {
        return transfer.received
      },
      write: (offset, data) => {
        assertOpen()
        if (offset !== transfer.received) {
          throw misuse(`a snapshot chunk begins at ${offset}, expected ${transfer.received}`)
        }
        transfer.chunks.push(data.slice())
        transfer.received += data.length
      },
      finish: () => {
        assertOpen()
        return this.finish(transfer)
      },
      abandon: () => {
        if (this.transfer === transfer) this.transfer = null
      }
    }
  }

  /** What a crash leaves. */
  survivor(): MemorySnapshots {
    const survivor = new MemorySnapshots()
    survivor.newest = this.newest
    return survivor
  }

  private interrupted(metadata: SnapshotMetadata, content: SnapshotContent | null): Transfer | null {
    const found = this.transfer
    if (found === null || content === null || found.content === null) return null
    const isSame =
      JSON.stringify(found.metadata) === JSON.stringify(metadata) &&
      found.content.bytes === content.bytes &&
      found.content.checksum === content.checksum
    return isSame ? { ...found } : null
  }

  private finish({ chunks, content, metadata, received }: Transfer): Snapshot {
    this.transfer = null
    const bytes = new Uint8Array(received)
    let at = 0
    for (const chunk of chunks) {
      bytes.set(chunk, at)
      at += chunk.length
    }
    const checksum = crc32c(bytes)
    if (content !== null && (content.bytes !== received || content.checksum !== checksum)) {
      const detail = `what was received is not what was sent: ${received} bytes of ${content.bytes}, or another checksum`
      throw new StorageError({ reason: "Transfer", file: "(memory)", offset: null, detail })
    }
    const info = { metadata, bytes: received, checksum }
    this.newest = { info, bytes }
    return info
  }
}
