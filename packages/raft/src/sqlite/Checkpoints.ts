/**
 * Moves what the -wal holds into the database, beside apply. A checkpoint reads and flushes megabytes: in the thread of
 * apply it would hold up every command and request for as long. So a thread of its own does it, and that one only the
 * little that was written meanwhile: the -wal starts over once nothing in it is left.
 */
import { Worker } from "node:worker_threads"

/** What `PRAGMA wal_checkpoint` answers. */
export interface CheckpointCounts {
  /** Frames in the -wal, and how many of them are in the database. */
  readonly log: number
  readonly checkpointed: number
}

export interface CheckpointOptions {
  /** `PRAGMA wal_checkpoint(mode)` on the connection of apply. */
  readonly checkpoint: (mode: "NOOP" | "PASSIVE") => CheckpointCounts
  readonly file: string
  /** One is made when the -wal has so many frames. */
  readonly frames: number
  /** The thread ended: from here on SQLite makes checkpoints in the thread of apply, later and as safely. */
  readonly failed: (cause: Error) => void
}

export class Checkpoints {
  private readonly options: CheckpointOptions
  private worker: Worker | null = null
  private isRunning = false
  private isClosed = false
  private dueAt: number

  constructor(options: CheckpointOptions) {
    this.options = options
    this.dueAt = options.frames
  }

  /** Begins one when it is due. */
  afterCommit(): void {
    const { checkpoint } = this.options
    if (this.isRunning || this.isClosed || checkpoint("NOOP").log < this.dueAt) return
    this.isRunning = true
    this.worker ??= this.start()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.worker.postMessage(null)
  }

  /** Begins no other one; resolves when none runs any more. */
  async close(): Promise<void> {
    this.isClosed = true
    await this.worker?.terminate()
  }

  private start(): Worker {
    const worker = new Worker(new URL("./CheckpointWorker.ts", import.meta.url), { workerData: this.options.file })
    worker.unref()
    worker.on("message", () => this.done())
    worker.on("error", this.options.failed)
    return worker
  }

  private done(): void {
    if (this.isClosed) return
    const { checkpoint, frames } = this.options
    const { checkpointed, log } = checkpoint("PASSIVE")
    // A reader of an old state, as a snapshot is, keeps its frames in the -wal.
    this.dueAt = log === checkpointed ? frames : log + frames
    this.isRunning = false
  }
}
