/**
 * The thread of snapshots, which are large: it writes those that are made or received, reads each back before it counts,
 * and reads out chunks for followers. The thread of the log only learns which one is the newest.
 */
import type { MessagePort } from "node:worker_threads"
import { parentPort, workerData } from "node:worker_threads"
import { isHarmless, Poison } from "../Poison.ts"
import { SnapshotFiles } from "../snapshot/SnapshotFiles.ts"
import type { SnapshotStore, SnapshotWriter } from "../snapshot/SnapshotStore.ts"
import { misuse } from "../StorageError.ts"
import { fileSystemOf } from "./ThreadFileSystem.ts"
import { encodeFailure } from "./ThreadMessage.ts"
import type { SnapshotAnswer, SnapshotRequest, SnapshotResponse, SnapshotThreadSettings } from "./ThreadMessage.ts"

class SnapshotWorker {
  private readonly port: MessagePort
  private readonly files: SnapshotFiles
  private readonly snapshots: SnapshotStore
  private writer: SnapshotWriter | null = null

  constructor(port: MessagePort, files: SnapshotFiles, directory: string) {
    this.port = port
    this.files = files
    this.snapshots = new Poison(directory).guardSnapshots(files)
  }

  run(request: SnapshotRequest): void {
    try {
      const value = this.answer(request)
      // Only `read` answers with bytes, and they are its own.
      const transfer = value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []
      this.post({ kind: "answer", value }, transfer)
    } catch (cause) {
      const failure = encodeFailure(cause)
      this.post(isHarmless(cause) ? { kind: "refused", failure } : { kind: "failed", failure })
    }
  }

  private answer(request: SnapshotRequest): SnapshotAnswer {
    switch (request.kind) {
      case "receive":
        this.writer = this.snapshots.receive(request.metadata, request.content)
        return this.writer.received
      case "write":
        this.opened().write(request.offset, request.data)
        return this.opened().received
      case "finish":
        return this.opened().finish()
      case "abandon":
        this.writer?.abandon()
        this.writer = null
        return null
      case "read":
        return this.snapshots.read(request.index, request.offset, request.bytesMax)
      case "close":
        this.files.close()
        return null
    }
  }

  private opened(): SnapshotWriter {
    if (this.writer === null) throw misuse("no snapshot is being received")
    return this.writer
  }

  private post(response: SnapshotResponse, transfer: ReadonlyArray<ArrayBuffer> = []): void {
    this.port.postMessage(response, transfer)
  }
}

if (parentPort !== null) {
  const port = parentPort
  const { directory, fileSystemModule, verified } = workerData as SnapshotThreadSettings
  try {
    const files = new SnapshotFiles(await fileSystemOf(fileSystemModule), directory, verified)
    const worker = new SnapshotWorker(port, files, directory)
    port.on("message", (request: SnapshotRequest) => worker.run(request))
  } catch (cause) {
    port.postMessage({ kind: "failed", failure: encodeFailure(cause) } satisfies SnapshotResponse)
  }
}
