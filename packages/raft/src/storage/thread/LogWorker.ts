/**
 * The thread of the log. It appends all that has arrived, flushes once, says what is durable, and looks again: whatever
 * came during a flush shares the next one (group commit; Ongaro, thesis 10.2.2). No timer decides how long to wait.
 */
import type { MessagePort } from "node:worker_threads"
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads"
import { Limits } from "../../Limits.ts"
import { DiskStorage } from "../DiskStorage.ts"
import { isHarmless } from "../Poison.ts"
import { readRecovered } from "../RecoveredState.ts"
import { packBlocks, unpackEntries } from "./PackedEntries.ts"
import { fileSystemOf } from "./ThreadFileSystem.ts"
import { encodeFailure } from "./ThreadMessage.ts"
import type { FailureMessage, LogRequest, LogResponse, PackedAppend, ThreadSettings } from "./ThreadMessage.ts"

class LogWorker {
  private readonly port: MessagePort
  private readonly storage: DiskStorage
  /** The newest append that no flush has confirmed; 0: there is none. */
  private unsynced = 0
  private unsyncedBytes = 0
  private hasFailed = false

  constructor(port: MessagePort, storage: DiskStorage) {
    this.port = port
    this.storage = storage
  }

  /** Handles a request and all that wait behind it, and flushes when nothing waits any more. */
  run(first: LogRequest): void {
    this.attempt(() => this.handle(first))
    for (;;) {
      if (this.unsyncedBytes >= Limits.storage.flushBytesMax) this.attempt(() => this.sync())
      const waiting = receiveMessageOnPort(this.port) as { readonly message: LogRequest } | undefined
      if (waiting !== undefined) this.attempt(() => this.handle(waiting.message))
      else if (this.unsynced === 0) return
      else this.attempt(() => this.sync())
    }
  }

  private handle(request: LogRequest): void {
    switch (request.kind) {
      case "append":
        return request.appends.forEach((append) => this.append(append))
      case "compact":
        return this.storage.compact(request.index)
      case "adopt":
        return this.storage.adopt(request.snapshot)
      case "restore":
        return this.post({ kind: "restored", failure: this.restore() })
      case "close":
        if (this.unsynced > 0) this.sync()
        this.storage.close()
        return this.post({ kind: "closed" })
    }
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

  private restore(): FailureMessage | null {
    try {
      this.storage.restore()
      return null
    } catch (cause) {
      if (!isHarmless(cause)) throw cause
      return encodeFailure(cause)
    }
  }

  /** The first failure is told once; what was appended before it is never said to be durable. */
  private attempt(operation: () => void): void {
    if (this.hasFailed) return
    try {
      operation()
    } catch (cause) {
      this.hasFailed = true
      this.unsynced = 0
      this.unsyncedBytes = 0
      this.post({ kind: "failed", failure: encodeFailure(cause) })
    }
  }

  private post(response: LogResponse): void {
    this.port.postMessage(response, [])
  }
}

if (parentPort !== null) {
  const port = parentPort
  const { directory, fileSystemModule, log } = workerData as ThreadSettings
  try {
    const storage = DiskStorage.open(await fileSystemOf(fileSystemModule), directory, log)
    const worker = new LogWorker(port, storage)
    const { entries: unpacked, ...recovered } = readRecovered(storage)
    const entries = packBlocks(unpacked, Limits.storage.flushBytesMax)
    const { logBytes, report } = storage
    port.postMessage(
      { kind: "opened", recovered, entries, report, logBytes } satisfies LogResponse,
      entries.map(({ buffer }) => buffer)
    )
    port.on("message", (request: LogRequest) => worker.run(request))
  } catch (cause) {
    port.postMessage({ kind: "failed", failure: encodeFailure(cause) } satisfies LogResponse)
  }
}
