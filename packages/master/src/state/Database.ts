/**
 * The embedded database: one connection that apply writes with, one that everyone else reads with. WAL with
 * `synchronous=NORMAL`: the log is the truth, and the state may lag it after a power cut (rule 9).
 */
import type { StateDirectory } from "@nxmesh/raft/sqlite/StateDirectory"
import { nodeFileSystem } from "@nxmesh/raft/storage/file/NodeFileSystem"
import { Context, Data, Effect, FiberSet, Layer } from "effect"
import { join } from "node:path"
import type { Connection } from "./Connection.ts"
import { DataDirectory } from "./DataDirectory.ts"
import { StateFiles } from "./replica/StateFiles.ts"

export class DatabaseUnusable extends Data.TaggedError("DatabaseUnusable")<{
  readonly file: string
  readonly cause: unknown
}> {
  override get message() {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `the state in ${this.file} cannot be opened: ${why}`
  }
}

export class Database extends Context.Service<
  Database,
  {
    /** Where the state is: another file after each restore. */
    readonly file: string
    /** Apply's own: nothing else may write. Stays the same when another file takes the place of the state, as `reader` does. */
    readonly writer: Connection
    /** Sees every transaction that has committed. */
    readonly reader: Connection
    /** What follows is for ReplicatedState alone. */
    readonly states: StateDirectory
    readonly afterCommit: () => void
    readonly become: () => void
  }
>()("@nxmesh/master/state/Database") {
  static readonly layerNoDeps = Layer.effect(
    Database,
    Effect.gen(function* () {
      const directory = join((yield* DataDirectory).path, "state")
      const run = yield* FiberSet.makeRuntime<never>()
      const checkpointFailed = (cause: Error): void =>
        void run(Effect.logError("checkpoints of the state are made in the main thread from here on", cause))
      return yield* Effect.acquireRelease(
        Effect.try({
          try: () => new StateFiles(nodeFileSystem, directory, checkpointFailed),
          catch: (cause) => new DatabaseUnusable({ file: directory, cause })
        }),
        (files) => Effect.promise(() => files.close())
      )
    })
  )

  static readonly layer = Database.layerNoDeps.pipe(Layer.provide(DataDirectory.layer))
}
