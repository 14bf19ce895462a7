/**
 * Moves what the -wal holds into the database, beside apply. A checkpoint reads and flushes megabytes: in the thread of
 * apply it would hold up every command for as long. So a thread of its own does it, and this one only the little that was
 * written meanwhile: the -wal starts over once nothing in it is left.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { Worker } from "node:worker_threads"

interface Counts {
  /** Frames in the -wal, and how many of them are in the database. */
  readonly log: number
  readonly checkpointed: number
}

export class Checkpoints {
  private readonly path: string
  private readonly frames: number
  private readonly count: StatementSync
  private readonly finish: StatementSync
  private worker: Worker | null = null
  private isRunning = false
  private isClosed = false
  private dueAt: number

  /** One is made when the -wal has so many frames. */
  constructor(database: DatabaseSync, path: string, frames: number) {
    this.path = path
    this.frames = frames
    this.dueAt = frames
    this.count = database.prepare("PRAGMA wal_checkpoint(NOOP)")
    this.finish = database.prepare("PRAGMA wal_checkpoint(PASSIVE)")
  }

  /** Begins one when it is due. */
  afterCommit(): void {
    if (this.isRunning || this.read(this.count).log < this.dueAt) return
    this.isRunning = true
    this.worker ??= this.start()
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.worker.postMessage(null)
  }

  close(): void {
    this.isClosed = true
    void this.worker?.terminate()
  }

  private start(): Worker {
    const worker = new Worker(new URL("./CheckpointWorker.ts", import.meta.url), { workerData: this.path })
    worker.unref()
    worker.on("message", () => this.done())
    // Without it SQLite makes checkpoints in the thread of apply, from a larger -wal on: slower, and as safe.
    worker.on("error", () => undefined)
    return worker
  }

  private done(): void {
    if (this.isClosed) return
    const { checkpointed, log } = this.read(this.finish)
    // A reader of an old state, as a snapshot is, keeps its frames in the -wal.
    this.dueAt = log === checkpointed ? this.frames : log + this.frames
    this.isRunning = false
  }

  private read(statement: StatementSync): Counts {
    return statement.get() as unknown as Counts
  }
}
