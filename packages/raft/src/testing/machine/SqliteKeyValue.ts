/**
 * The key-value state machine in SQLite: what the benchmark replicates, and the worked example of `StateMachine`. Index,
 * sessions and values change in one transaction; a snapshot is a database file; a restore is a new file that takes the
 * place of the old one in one step.
 */
import { basename, join } from "node:path"
import { Effect } from "effect"
import type { Batch, MachineState, SnapshotImage, StateMachine } from "../../node/StateMachine.ts"
import type { FileSystem } from "../../storage/file/FileSystem.ts"
import { nodeFileSystem } from "../../storage/file/NodeFileSystem.ts"
import { answer } from "./Registers.ts"
import { runDatabaseTask } from "../../sqlite/DatabaseTask.ts"
import type { DatabaseFile } from "../../sqlite/DatabaseTask.ts"
import { StateDirectory } from "../../sqlite/StateDirectory.ts"
import { StateFileError } from "../../sqlite/StateFileError.ts"
import { KeyValueDatabase } from "./sqlite/KeyValueDatabase.ts"

const appliedIndex = "SELECT log_index FROM applied"
const chunkBytes = 1_048_576

export class SqliteKeyValue implements StateMachine {
  private readonly states: StateDirectory
  private readonly files: FileSystem
  private database: KeyValueDatabase
  private snapshots = 0

  /** Opens the state in `directory`, or makes an empty one. Throws StateFileError and what SQLite and the file system throw. */
  constructor(directory: string, files: FileSystem = nodeFileSystem) {
    this.files = files
    this.states = new StateDirectory(files, directory, KeyValueDatabase.create)
    this.database = new KeyValueDatabase(this.states.current)
  }

  load(): MachineState {
    return this.database.load()
  }

  apply(batch: Batch): ReadonlyArray<Uint8Array> {
    return this.database.apply(batch)
  }

  query(question: Uint8Array): Uint8Array {
    return answer(this.database.registers, question)
  }

  readonly snapshot: StateMachine["snapshot"] = Effect.suspend(() => {
    this.snapshots += 1
    const path = join(this.states.directory, `snapshot-${this.snapshots}.db`)
    return runDatabaseTask({ kind: "copy", from: this.states.current, to: path }, appliedIndex).pipe(
      Effect.map((found) => this.imageOf(path, found)),
      Effect.onError(() => Effect.sync(() => this.removeAll(basename(path))))
    )
  })

  restore(image: SnapshotImage): Effect.Effect<void, unknown> {
    const path = this.states.next
    return this.write(image, path).pipe(
      Effect.andThen(runDatabaseTask({ kind: "verify", path }, appliedIndex)),
      Effect.flatMap(({ index }) => {
        if (index === image.index) return Effect.sync(() => this.become())
        const detail = `it ends with entry ${index}, and the snapshot with ${image.index}`
        return Effect.fail(new StateFileError({ file: path, detail }))
      })
    )
  }

  close(): void {
    this.database.close()
  }

  private write(image: SnapshotImage, path: string): Effect.Effect<void, unknown> {
    return Effect.acquireUseRelease(
      Effect.sync(() => this.files.open(path, "create")),
      (file) =>
        Effect.gen(function* () {
          for (let at = 0; at < image.bytes;) {
            const data = yield* image.read(at, chunkBytes)
            file.write(data, at)
            at += data.length
          }
        }),
      (file) => Effect.sync(() => file.close())
    )
  }

  private imageOf(path: string, { bytes, index }: DatabaseFile): SnapshotImage {
    const file = this.files.open(path, "existing")
    const read = (offset: number, bytesMax: number): Uint8Array => {
      const part = new Uint8Array(Math.min(bytesMax, bytes - offset))
      file.read(part, offset)
      return part
    }
    const close = (): void => {
      file.close()
      this.files.remove(path)
    }
    return {
      index,
      bytes,
      read: (offset, bytesMax) => Effect.sync(() => read(offset, bytesMax)),
      close: Effect.sync(close)
    }
  }

  private removeAll(start: string): void {
    for (const path of this.states.startingWith(start)) this.files.remove(path)
  }

  /** The state that was written takes the place of the old one, without anything between. */
  private become(): void {
    const old = basename(this.states.current)
    this.database.close()
    this.states.adopt()
    this.removeAll(old)
    this.database = new KeyValueDatabase(this.states.current)
  }
}
