/** NodeStorage on the storage in memory: what is asked for waits until the test lets the disk work. */
import type { Append } from "@nxmesh/raft/core/Ready"
import type { Done, NodeStorage, StorageListener } from "@nxmesh/raft/node/NodeStorage"
import { MemoryStorage } from "@nxmesh/raft/storage/MemoryStorage"
import type { Crash } from "@nxmesh/raft/storage/MemoryStorage"
import type { SnapshotWriter } from "@nxmesh/raft/storage/snapshot/SnapshotStore"
import { StorageError } from "@nxmesh/raft/storage/StorageError"
import { Result } from "effect"

export class MemoryNodeStorage {
  files = new MemoryStorage()
  /** Nothing is written or flushed meanwhile. */
  isHeld = false
  /** Which kinds of work were done, for tests that stop between two of them. */
  readonly done: Array<string> = []
  /** Stops before this kind of work. */
  holdBefore: string | null = null
  private listener: StorageListener | null = null
  private work: Array<{ readonly kind: string; readonly run: () => void }> = []
  private appended: number | null = null
  private writer: SnapshotWriter | null = null

  /** For the next run of the node. */
  open(listener: StorageListener): NodeStorage {
    this.listener = listener
    const answering =
      <A>(done: Done<A>, action: () => A) =>
      (): void => {
        try {
          done(Result.succeed(action()))
        } catch (cause) {
          if (!(cause instanceof StorageError)) throw cause
          done(Result.fail(cause))
        }
      }
    return {
      append: (append) => this.plan("append", () => this.append(append)),
      compact: (index) => this.plan("compact", () => this.files.compact(index)),
      receiveSnapshot: (metadata, content, done) =>
        this.plan(
          "receive",
          answering(done, () => {
            this.writer = this.files.snapshots.receive(metadata, content)
            return this.writer.received
          })
        ),
      writeSnapshot: (offset, data, done) =>
        this.plan(
          "write",
          answering(done, () => {
            this.writer?.write(offset, data)
            return this.writer?.received ?? 0
          })
        ),
      finishSnapshot: (done) =>
        this.plan(
          "finish",
          answering(done, () => this.writer!.finish())
        ),
      abandonSnapshot: () => this.plan("abandon", () => this.writer?.abandon()),
      restore: (done) =>
        this.plan(
          "restore",
          answering(done, () => this.files.restore())
        ),
      readSnapshot: (index, offset, bytesMax, done) =>
        this.plan(
          "read",
          answering(done, () => this.files.snapshots.read(index, offset, bytesMax)?.slice() ?? null)
        )
    }
  }

  /** Does what waits, then one flush for all appends. Says whether there was anything to do. */
  run(): boolean {
    if (this.isHeld) return false
    let isBusy = false
    while (this.work.length > 0 && this.work[0]?.kind !== this.holdBefore) {
      const next = this.work.shift()!
      isBusy = true
      this.done.push(next.kind)
      next.run()
    }
    if (this.appended === null) return isBusy
    const sequence = this.appended
    this.appended = null
    this.files.sync()
    this.listener?.durable(sequence, this.files.logBytes)
    return true
  }

  fail(): void {
    const failure = new StorageError({ reason: "Input/output", file: "log", offset: null, detail: "flush failed" })
    this.listener?.failed(failure)
  }

  crash(what: Crash): void {
    this.work = []
    this.appended = null
    this.writer = null
    this.listener = null
    this.isHeld = false
    this.holdBefore = null
    this.files = this.files.crash(what)
  }

  private plan(kind: string, run: () => void): void {
    this.work.push({ kind, run })
  }

  private append({ entries, hardState, sequence, truncateFrom }: Append): void {
    this.files.append({ entries, hardState, truncateFrom })
    this.appended = sequence
  }
}
