/**
 * A node's side of its storage threads. Calls return at once, and what is durable is told later, so that a flush that
 * stalls keeps neither heartbeats nor elections waiting. How much may wait here is bounded by the core, which bounds what
 * is uncommitted and what is in flight; of snapshots there is one chunk at a time.
 *
 * Answers about snapshots come in the order of the calls. After the first failure nothing is answered any more.
 */
import { Worker } from "node:worker_threads"
import * as Result from "effect/Result"
import type { HardState, Entry, Index, Snapshot, SnapshotMetadata } from "../../core/Types.ts"
import { Limits } from "../../Limits.ts"
import type { LogOptions } from "../log/SegmentedLog.ts"
import type { RecoveredState } from "../RecoveredState.ts"
import type { SnapshotContent } from "../snapshot/SnapshotStore.ts"
import type { RecoveryReport } from "../Storage.ts"
import { StorageError } from "../StorageError.ts"
import { packEntries, unpackEntries } from "./PackedEntries.ts"
import { decodeFailure } from "./ThreadMessage.ts"
import type {
  LogRequest,
  LogResponse,
  OpenedMessage,
  PackedAppend,
  SnapshotAnswer,
  SnapshotRequest,
  SnapshotResponse,
  SnapshotThreadSettings,
  ThreadSettings
} from "./ThreadMessage.ts"

/** An append as the core asks for it (core/Ready.ts). */
export interface SequencedAppend {
  readonly sequence: number
  readonly hardState: HardState | null
  readonly truncateFrom: Index | null
  readonly entries: ReadonlyArray<Entry>
}

export interface ThreadListener {
  /** This append and all before it are durable; the log takes so many bytes on the disk. */
  readonly durable: (sequence: number, logBytes: number) => void
  /** Nothing will be durable any more: the node has to stop. Called once. */
  readonly failed: (failure: StorageError) => void
}

export interface ThreadOptions {
  readonly log?: LogOptions
  /** URL of a module that exports `fileSystem`: a disk that stalls or fails, for tests. */
  readonly fileSystemModule?: string | null
}

type Done<A> = (outcome: Result.Result<A, StorageError>) => void

export class StorageThread {
  readonly recovered: RecoveredState
  readonly report: RecoveryReport
  /** What the log took on the disk when it was opened. */
  readonly logBytes: number
  private readonly log: Worker
  private readonly snapshots: Worker
  private readonly listener: ThreadListener
  /** Those of the snapshot thread that are not answered yet, oldest first. */
  private readonly calls: Array<Done<SnapshotAnswer>> = []
  private readonly restores: Array<Done<void>> = []
  private gathered: Array<PackedAppend> = []
  private hasFailed = false
  private isClosing = false
  private ended: () => void = () => undefined

  private constructor(log: Worker, snapshots: Worker, opened: OpenedMessage, listener: ThreadListener) {
    this.log = log
    this.snapshots = snapshots
    this.recovered = { ...opened.recovered, entries: opened.entries.flatMap((block) => unpackEntries(block)) }
    this.report = opened.report
    this.logBytes = opened.logBytes
    this.listener = listener
    log.on("message", (response: LogResponse) => this.receiveLog(response))
    snapshots.on("message", (response: SnapshotResponse) => this.receiveSnapshots(response))
    for (const worker of [log, snapshots]) {
      worker.on("error", (cause) => this.fail(lostThread(cause)))
      worker.on("exit", () => (this.isClosing ? this.ended() : this.fail(lostThread(null))))
    }
  }

  /** Starts the threads and recovers the directory. Rejects with StorageError. */
  static async open(
    directory: string,
    listener: ThreadListener,
    { fileSystemModule = null, log = Limits.storage }: ThreadOptions = {}
  ): Promise<StorageThread> {
    const settings: ThreadSettings = { directory, log, fileSystemModule }
    const logWorker = new Worker(new URL("./LogWorker.ts", import.meta.url), { workerData: settings })
    const first = await new Promise<LogResponse>((resolve, reject) => {
      logWorker.once("message", resolve)
      logWorker.once("error", (cause) => reject(lostThread(cause)))
    })
    if (first.kind === "opened") {
      const workerData: SnapshotThreadSettings = { ...settings, verified: first.recovered.snapshot }
      const snapshotWorker = new Worker(new URL("./SnapshotWorker.ts", import.meta.url), { workerData })
      return new StorageThread(logWorker, snapshotWorker, first, listener)
    }
    await logWorker.terminate()
    throw first.kind === "failed" ? decodeFailure(first.failure) : lostThread(null)
  }

  /** Appends in order; `durable` tells when. Those of one turn of the event loop travel together. */
  append({ entries, hardState, sequence, truncateFrom }: SequencedAppend): void {
    if (this.gathered.length === 0) queueMicrotask(() => this.sendGathered())
    this.gathered.push({ sequence, hardState, truncateFrom, entries: packEntries(entries) })
  }

  compact(index: Index): void {
    this.tellLog({ kind: "compact", index })
  }

  /** Lets the newest snapshot that is finished take the place of the log, after every append before it. */
  restore(done: Done<void>): void {
    this.restores.push(done)
    this.tellLog({ kind: "restore" })
  }

  /** As SnapshotStore.receive; answers where the first chunk goes. One at a time. */
  receiveSnapshot(metadata: SnapshotMetadata, content: SnapshotContent | null, done: Done<number>): void {
    this.ask({ kind: "receive", metadata, content }, done as Done<SnapshotAnswer>)
  }

  /** Answers where the next chunk goes. */
  writeSnapshot(offset: number, data: Uint8Array, done: Done<number>): void {
    const copy = data.slice()
    this.ask({ kind: "write", offset, data: copy }, done as Done<SnapshotAnswer>, [copy.buffer])
  }

  /** Reads it back, makes it durable, and lets it count. Refused with reason `Transfer` when it is not what was sent. */
  finishSnapshot(done: Done<Snapshot>): void {
    this.ask({ kind: "finish" }, (outcome) => {
      const finished = outcome as Result.Result<Snapshot, StorageError>
      // Before `done`, so that the thread of the log knows of it when it is asked to restore or to compact.
      if (Result.isSuccess(finished)) this.tellLog({ kind: "adopt", snapshot: finished.success })
      done(finished)
    })
  }

  abandonSnapshot(): void {
    this.ask({ kind: "abandon" }, () => undefined)
  }

  /** `null` when `index` is no longer the newest snapshot's. May give less than asked for; nothing only at the end. */
  readSnapshot(index: Index, offset: number, bytesMax: number, done: Done<Uint8Array | null>): void {
    this.ask({ kind: "read", index, offset, bytesMax }, done as Done<SnapshotAnswer>)
  }

  /** Flushes, and ends the threads. The directory is free for another when it resolves. */
  async close(): Promise<void> {
    this.isClosing = true
    if (!this.hasFailed) {
      await new Promise<void>((resolve) => {
        this.ended = resolve
        this.ask({ kind: "close" }, () => this.tellLog({ kind: "close" }))
      })
    }
    await Promise.all([this.log.terminate(), this.snapshots.terminate()])
  }

  private ask(request: SnapshotRequest, done: Done<SnapshotAnswer>, transfer: ReadonlyArray<ArrayBuffer> = []): void {
    if (this.hasFailed) return
    this.calls.push(done)
    this.snapshots.postMessage(request, transfer)
  }

  private tellLog(request: LogRequest): void {
    this.sendGathered()
    if (!this.hasFailed) this.log.postMessage(request, [])
  }

  private sendGathered(): void {
    if (this.gathered.length === 0) return
    const appends = this.gathered
    this.gathered = []
    const buffers = appends.map(({ entries }) => entries.buffer as ArrayBuffer)
    if (!this.hasFailed) this.log.postMessage({ kind: "append", appends } satisfies LogRequest, buffers)
  }

  private receiveLog(response: LogResponse): void {
    if (this.hasFailed) return
    switch (response.kind) {
      case "durable":
        return this.listener.durable(response.sequence, response.logBytes)
      case "restored":
        return this.restores.shift()?.(
          response.failure === null ? Result.succeed(undefined) : Result.fail(decodeFailure(response.failure))
        )
      case "failed":
        return this.fail(decodeFailure(response.failure))
      case "closed":
        return this.ended()
      case "opened":
        return
    }
  }

  private receiveSnapshots(response: SnapshotResponse): void {
    if (this.hasFailed) return
    if (response.kind === "failed") return this.fail(decodeFailure(response.failure))
    this.calls.shift()?.(
      response.kind === "answer" ? Result.succeed(response.value) : Result.fail(decodeFailure(response.failure))
    )
  }

  private fail(failure: StorageError): void {
    if (this.hasFailed) return
    this.hasFailed = true
    this.calls.length = 0
    this.restores.length = 0
    this.ended()
    this.listener.failed(failure)
  }
}

const lostThread = (cause: unknown): StorageError =>
  new StorageError({
    reason: "Poisoned",
    file: "(storage)",
    offset: null,
    detail: `the storage thread ended${cause instanceof Error ? `: ${cause.message}` : ""}`,
    cause
  })
