/**
 * A node's side of its storage thread. Calls return at once; what is durable is told later, so that a flush that stalls
 * keeps neither heartbeats nor elections waiting. How much may wait here is bounded by the core, which bounds what is
 * uncommitted and what is in flight.
 */
import { Worker } from "node:worker_threads"
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
  OpenedMessage,
  PackedAppend,
  ThreadAnswer,
  ThreadCall,
  ThreadRequest,
  ThreadResponse
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

interface Call {
  readonly resolve: (value: ThreadAnswer) => void
  readonly reject: (failure: StorageError) => void
}

export class StorageThread {
  readonly recovered: RecoveredState
  readonly report: RecoveryReport
  private readonly worker: Worker
  private readonly listener: ThreadListener
  private readonly calls = new Map<number, Call>()
  private callsMade = 0
  private gathered: Array<PackedAppend> = []
  private failure: StorageError | null = null
  private isClosed = false

  private constructor(worker: Worker, { entries, recovered, report }: OpenedMessage, listener: ThreadListener) {
    this.worker = worker
    this.recovered = { ...recovered, entries: entries.flatMap((block) => unpackEntries(block)) }
    this.report = report
    this.listener = listener
    worker.on("message", (response: ThreadResponse) => this.receive(response))
    worker.on("error", (cause) => this.fail(lostThread(cause)))
    worker.on("exit", () => this.fail(lostThread(null)))
  }

  /** Starts the thread and recovers the directory. Rejects with StorageError. */
  static async open(
    directory: string,
    listener: ThreadListener,
    log: LogOptions = Limits.storage
  ): Promise<StorageThread> {
    const worker = new Worker(new URL("./StorageWorker.ts", import.meta.url), { workerData: { directory, log } })
    const first = await new Promise<ThreadResponse>((resolve, reject) => {
      worker.once("message", resolve)
      worker.once("error", (cause) => reject(lostThread(cause)))
    })
    if (first.kind === "opened") return new StorageThread(worker, first, listener)
    await worker.terminate()
    throw first.kind === "failed" ? decodeFailure(first.failure) : lostThread(null)
  }

  /** Appends in order; `durable` tells when. Those of one turn of the event loop travel together. */
  append({ entries, hardState, sequence, truncateFrom }: SequencedAppend): void {
    if (this.gathered.length === 0) queueMicrotask(() => this.sendGathered())
    this.gathered.push({ sequence, hardState, truncateFrom, entries: packEntries(entries) })
  }

  compact(index: Index): Promise<void> {
    return this.call({ kind: "compact", index }).then(() => undefined)
  }

  /** Lets the newest snapshot take the place of the log, after every append before it. */
  restore(): Promise<void> {
    return this.call({ kind: "restore" }).then(() => undefined)
  }

  /** As SnapshotStore.receive; answers where the first chunk goes. One at a time. */
  receiveSnapshot(metadata: SnapshotMetadata, content: SnapshotContent | null): Promise<number> {
    return this.call({ kind: "receive", metadata, content }) as Promise<number>
  }

  /** Answers where the next chunk goes. */
  writeSnapshot(offset: number, data: Uint8Array): Promise<number> {
    return this.call({ kind: "write", offset, data: data.slice() }) as Promise<number>
  }

  finishSnapshot(): Promise<Snapshot> {
    return this.call({ kind: "finish" }) as Promise<Snapshot>
  }

  abandonSnapshot(): Promise<void> {
    return this.call({ kind: "abandon" }).then(() => undefined)
  }

  /** `null` when `index` is no longer the newest snapshot's. May give less than asked for; nothing only at the end. */
  readSnapshot(index: Index, offset: number, bytesMax: number): Promise<Uint8Array | null> {
    return this.call({ kind: "read", index, offset, bytesMax }) as Promise<Uint8Array | null>
  }

  /** Flushes, and ends the thread. */
  async close(): Promise<void> {
    const isAlive = this.failure === null
    const closed = isAlive ? this.call({ kind: "close" }) : Promise.resolve(null)
    this.isClosed = true
    try {
      await closed
    } finally {
      await this.worker.terminate()
    }
  }

  private call(call: ThreadCall): Promise<ThreadAnswer> {
    this.sendGathered()
    if (this.failure !== null) return Promise.reject(this.failure)
    const id = ++this.callsMade
    return new Promise((resolve, reject) => {
      this.calls.set(id, { resolve, reject })
      this.send({ kind: "call", id, call }, [])
    })
  }

  private sendGathered(): void {
    if (this.gathered.length === 0) return
    const appends = this.gathered
    this.gathered = []
    const buffers = appends.map(({ entries }) => entries.buffer as ArrayBuffer)
    this.send({ kind: "append", appends }, buffers)
  }

  private send(request: ThreadRequest, transfer: ReadonlyArray<ArrayBuffer>): void {
    if (this.failure === null) this.worker.postMessage(request, transfer)
  }

  private receive(response: ThreadResponse): void {
    switch (response.kind) {
      case "durable":
        return this.listener.durable(response.sequence, response.logBytes)
      case "answer":
        this.calls.get(response.id)?.resolve(response.value)
        this.calls.delete(response.id)
        return
      case "refused":
        this.calls.get(response.id)?.reject(decodeFailure(response.failure))
        this.calls.delete(response.id)
        return
      case "failed":
        return this.fail(decodeFailure(response.failure))
      case "opened":
        return
    }
  }

  private fail(failure: StorageError): void {
    if (this.failure !== null) return
    this.failure = failure
    for (const { reject } of this.calls.values()) reject(failure)
    this.calls.clear()
    if (!this.isClosed) this.listener.failed(failure)
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
