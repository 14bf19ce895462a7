import { join } from "node:path"
import type { Index, Snapshot, SnapshotMetadata } from "../../core/Types.ts"
import type { FileSystem } from "../file/FileSystem.ts"
import { systemCall } from "../file/SystemCall.ts"
import { misuse } from "../StorageError.ts"
import { openHead, openVerified, SnapshotFile } from "./SnapshotFile.ts"
import { encodeHead, parseSnapshotName, snapshotName } from "./SnapshotFormat.ts"
import type { SnapshotName } from "./SnapshotFormat.ts"
import { SnapshotReceiver } from "./SnapshotReceiver.ts"
import type { SnapshotContent, SnapshotStore, SnapshotWriter } from "./SnapshotStore.ts"

const byIndex = (a: SnapshotName, b: SnapshotName): number => a.index - b.index || a.term - b.term

/** Snapshots in a directory: the newest counts, transfers in progress wait beside it. */
export class SnapshotFiles implements SnapshotStore {
  private readonly files: FileSystem
  private readonly directory: string
  private newest: { readonly file: SnapshotFile; readonly info: Snapshot } | null = null
  private receiver: SnapshotReceiver | null = null

  /**
   * Verifies the newest, unless it is `verified` already. One that is damaged stops the node: an older one may lack what
   * the log no longer has.
   */
  constructor(files: FileSystem, directory: string, verified: Snapshot | null = null) {
    this.files = files
    this.directory = directory
    const names = this.names()
    const newest = names.findLast(({ isPartial }) => !isPartial)
    if (newest === undefined) return
    const isVerified = verified !== null && snapshotName(verified.metadata, "snapshot") === newest.name
    const path = join(directory, newest.name)
    this.newest = isVerified ? { file: openHead(files, path), info: verified } : openVerified(files, path)
    this.removeAll(names.filter((name) => name !== newest && name.index <= newest.index))
  }

  get latest(): Snapshot | null {
    return this.newest?.info ?? null
  }

  read(index: Index, offset: number, bytesMax: number): Uint8Array | null {
    if (this.newest === null || this.newest.info.metadata.index !== index) return null
    return this.newest.file.read(offset, bytesMax, this.newest.info.bytes)
  }

  receive(metadata: SnapshotMetadata, content: SnapshotContent | null): SnapshotWriter {
    if (metadata.index <= (this.latest?.metadata.index ?? 0)) {
      throw misuse(`a snapshot up to ${metadata.index} is not newer than the one there is`)
    }
    this.receiver?.close()
    const target = this.partial(metadata, content)
    const finalPath = join(this.directory, snapshotName(metadata, "snapshot"))
    this.receiver = new SnapshotReceiver(this.files, target, finalPath, (file, info) => this.replace(file, info))
    return this.receiver
  }

  /** Another thread wrote this one, verified it, made it durable and removed those before it. */
  adopt(info: Snapshot): void {
    const file = openHead(this.files, join(this.directory, snapshotName(info.metadata, "snapshot")))
    this.newest?.file.close()
    this.newest = { file, info }
  }

  close(): void {
    this.receiver?.close()
    this.newest?.file.close()
  }

  private names(): ReadonlyArray<SnapshotName> {
    return systemCall("list", this.directory, null, () => this.files.list(this.directory))
      .map(parseSnapshotName)
      .filter((name) => name !== null)
      .toSorted(byIndex)
  }

  /** The file of an interrupted transfer of the same content, or a new one. Others are removed: one at a time. */
  private partial(metadata: SnapshotMetadata, content: SnapshotContent | null): SnapshotFile {
    const name = snapshotName(metadata, "partial")
    const path = join(this.directory, name)
    const partials = this.names().filter(({ isPartial }) => isPartial)
    this.removeAll(partials.filter((other) => other.name !== name))
    const { bytes, head } = encodeHead(metadata, content)
    if (partials.some((other) => other.name === name)) {
      const found = SnapshotFile.open(this.files, path)
      if (found !== null && content !== null && found.head.checksum === head.checksum) return found
      found?.close()
      systemCall("remove", path, null, () => this.files.remove(path))
    }
    const file = systemCall("create", path, null, () => this.files.open(path, "create"))
    systemCall("write", path, 0, () => file.write(bytes, 0))
    return new SnapshotFile(path, file, head)
  }

  private replace(file: SnapshotFile, info: Snapshot): void {
    const older = this.names().filter(({ index, isPartial }) => !isPartial && index < info.metadata.index)
    this.newest?.file.close()
    this.newest = { file, info }
    this.receiver = null
    this.removeAll(older)
  }

  private removeAll(names: ReadonlyArray<SnapshotName>): void {
    for (const { name } of names) {
      const path = join(this.directory, name)
      systemCall("remove", path, null, () => this.files.remove(path))
    }
  }
}
