/**
 * The storage thread. It appends all that has arrived, flushes once, says what is durable, and looks again: whatever came
 * during a flush shares the next one (group commit; Ongaro, thesis 10.2.2). No timer decides how long to wait for more.
 */
import type { MessagePort } from "node:worker_threads"
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import { DiskStorage } from "../DiskStorage.ts"
import { nodeFileSystem } from "../file/NodeFileSystem.ts"
import { isHarmless } from "../Poison.ts"
import { readRecovered } from "../RecoveredState.ts"
import type { SnapshotWriter } from "../snapshot/SnapshotStore.ts"
import { misuse } from "../StorageError.ts"
import { packBlocks, unpackEntries } from "./PackedEntries.ts"
import { encodeFailure } from "./ThreadMessage.ts"
import type {
  PackedAppend,
  ThreadAnswer,
  ThreadCall,
  ThreadRequest,
  ThreadResponse,
  ThreadSettings
} from "./ThreadMessage.ts"

class StorageWorker {
  private readonly port: MessagePort
  private readonly storage: DiskStorage
  private writer: SnapshotWriter | null = null
  /** The newest append that no flush has confirmed; 0: there is none. */
  private unsynced = 0
  private unsyncedBytes = 0
  private hasFailed = false

  constructor(port: MessagePort, storage: DiskStorage) {
    this.port = port
    this.storage = storage
  }

  /** Handles a request and all that wait behind it, and flushes when nothing waits any more. */
  run(first: ThreadRequest): void {
    this.handle(first)
    for (;;) {
      if (this.unsyncedBytes >= Limits.storage.flushBytesMax) this.attempt(() => this.sync())
      const waiting = receiveMessageOnPort(this.port) as { readonly message: ThreadRequest } | undefined
      if (waiting !== undefined) this.handle(waiting.message)
      else if (this.unsynced === 0) return
      else this.attempt(() => this.sync())
    }
  }

  private handle(request: ThreadRequest): void {
    if (request.kind === "append") this.attempt(() => request.appends.forEach((append) => this.append(append)))
    else this.answer(request.id, request.call)
  }

  private append({ entries, hardState, sequence, truncateFrom }: PackedAppend): void {
    this.storage.append({ hardState, truncateFrom, entries: unpackEntries(entries) })
    this.unsynced = sequence
    this.unsyncedBytes += entries.length
  }

  private sync(): void {
    const sequence = this.unsynced
    this.storage.sync()
    this.unsynced = 0
    this.unsyncedBytes = 0
    this.post({ kind: "durable", sequence, logBytes: this.storage.logBytes })
  }

  private answer(id: number, call: ThreadCall): void {
    try {
      this.post({ kind: "answer", id, value: this.call(call) })
    } catch (cause) {
      this.post({ kind: "refused", id, failure: encodeFailure(cause) })
      if (!isHarmless(cause)) this.fail(cause)
    }
  }

  private call(call: ThreadCall): ThreadAnswer {
    switch (call.kind) {
      case "compact":
        this.storage.compact(call.index)
        return null
      case "restore":
        this.storage.restore()
        return null
      case "receive":
        this.writer = this.storage.snapshots.receive(call.metadata, call.content)
        return this.writer.received
      case "write":
        this.opened().write(call.offset, call.data)
        return this.opened().received
      case "finish":
        return this.opened().finish()
      case "abandon":
        this.opened().abandon()
        return null
      case "read":
        return this.storage.snapshots.read(call.index, call.offset, call.bytesMax)?.slice() ?? null
      case "close":
        if (this.unsynced > 0) this.attempt(() => this.sync())
        this.storage.close()
        return null
    }
  }

  private opened(): SnapshotWriter {
    if (this.writer === null) throw misuse("no snapshot is being received")
    return this.writer
  }

  /** The first failure is told once; what was appended before it is never said to be durable. */
  private attempt(operation: () => void): void {
    if (this.hasFailed) return
    try {
      operation()
    } catch (cause) {
      this.fail(cause)
    }
  }

  private fail(cause: unknown): void {
    if (this.hasFailed) return
    this.hasFailed = true
    this.unsynced = 0
    this.unsyncedBytes = 0
    this.post({ kind: "failed", failure: encodeFailure(cause) })
  }

  private post(response: ThreadResponse): void {
    this.port.postMessage(response, [])
  }
}

if (parentPort !== null) {
  const port = parentPort
  const { directory, log } = workerData as ThreadSettings
  try {
    const storage = DiskStorage.open(nodeFileSystem, directory, log)
    const worker = new StorageWorker(port, storage)
    const { entries: unpacked, ...recovered } = readRecovered(storage)
    const entries = packBlocks(unpacked, Limits.storage.flushBytesMax)
    port.postMessage(
      { kind: "opened", recovered, entries, report: storage.report } satisfies ThreadResponse,
      entries.map(({ buffer }) => buffer)
    )
    port.on("message", (request: ThreadRequest) => worker.run(request))
  } catch (cause) {
    port.postMessage({ kind: "failed", failure: encodeFailure(cause) } satisfies ThreadResponse)
  }
}
