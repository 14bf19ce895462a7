import type { SnapshotStore, SnapshotWriter } from "./snapshot/SnapshotStore.ts"
import { StorageError } from "./StorageError.ts"

/** Whether what was written is as known after this failure as before. */
export const isHarmless = (cause: unknown): boolean =>
  cause instanceof StorageError && (cause.reason === "Misuse" || cause.reason === "Transfer")

/**
 * After a flush that failed nobody knows what is on the disk, and a second one that succeeds proves nothing: the kernel
 * may have thrown the pages away (Rebello et al., "Can Applications Recover from fsync Failures?", ATC '20). So the first
 * failure is the last: whatever is asked afterwards is refused, until the files are opened anew.
 */
export class Poison {
  private readonly directory: string
  private first: unknown = null

  constructor(directory: string) {
    this.directory = directory
  }

  get isPoisoned(): boolean {
    return this.first !== null
  }

  guard<A>(operation: () => A): A {
    if (this.first !== null) {
      throw new StorageError({
        reason: "Poisoned",
        file: this.directory,
        offset: null,
        detail: `nothing more is stored since ${this.first instanceof Error ? this.first.message : String(this.first)}`,
        cause: this.first
      })
    }
    try {
      return operation()
    } catch (cause) {
      if (!isHarmless(cause)) this.first = cause
      throw cause
    }
  }

  guardSnapshots(store: SnapshotStore): SnapshotStore {
    return {
      get latest() {
        return store.latest
      },
      read: (index, offset, bytesMax) => this.guard(() => store.read(index, offset, bytesMax)),
      receive: (metadata, content) => this.guardWriter(this.guard(() => store.receive(metadata, content)))
    }
  }

  private guardWriter(writer: SnapshotWriter): SnapshotWriter {
    return {
      get received() {
        return writer.received
      },
      write: (offset, data) => this.guard(() => writer.write(offset, data)),
      finish: () => this.guard(() => writer.finish()),
      abandon: () => this.guard(() => writer.abandon())
    }
  }
}
