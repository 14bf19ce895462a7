/**
 * The embedded database: one connection that apply writes with, one that everyone else reads with. WAL with
 * `synchronous=NORMAL`: the log is the truth, and the state may lag it after a power cut (design section 5).
 */
import { makeDirectory, readIfExists, write } from "@nxmesh/core/file/AtomicFile"
import { syncPath } from "@nxmesh/core/file/Durable"
import { Context, Data, Effect, Layer } from "effect"
import { join } from "node:path"
import { Limits } from "../Limits.ts"
import { type Connection, openConnection } from "./Connection.ts"
import { DataDirectory } from "./DataDirectory.ts"
import { migrate } from "./Migrations.ts"

export class DatabaseUnusable extends Data.TaggedError("DatabaseUnusable")<{
  readonly file: string
  readonly cause: unknown
}> {
  override get message() {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `the state in ${this.file} cannot be opened: ${why}`
  }
}

const stateFile = /^state-\d+\.db$/

/** The file that `CURRENT` names (rule 10); on the first start, a new one. */
const currentFile = Effect.fnUntraced(function* (directory: string) {
  const pointer = join(directory, "CURRENT")
  const found = yield* readIfExists(pointer)
  const name = found === null ? "state-1.db" : Buffer.from(found).toString("utf8").trim()
  if (!stateFile.test(name)) {
    return yield* new DatabaseUnusable({ file: pointer, cause: "it does not name a state file; restore a backup" })
  }
  if (found === null) yield* write(pointer, `${name}\n`)
  return join(directory, name)
})

const open = (file: string, readOnly: boolean) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => openConnection(file, { readOnly, busyMillisMax: Limits.state.busyMillisMax }),
      catch: (cause) => new DatabaseUnusable({ file, cause })
    }),
    (connection) => Effect.sync(connection.close)
  )

const prepare = (connection: Connection): void => {
  connection.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF;")
  migrate(connection)
}

export class Database extends Context.Service<
  Database,
  {
    readonly file: string
    /** Apply's own: nothing else may write. */
    readonly writer: Connection
    /** Sees every transaction that has committed. */
    readonly reader: Connection
  }
>()("@nxmesh/master/state/Database") {
  static readonly layerNoDeps = Layer.effect(
    Database,
    Effect.gen(function* () {
      const directory = join((yield* DataDirectory).path, "state")
      yield* makeDirectory(directory)
      const file = yield* currentFile(directory)
      const writer = yield* open(file, false)
      yield* Effect.try({ try: () => prepare(writer), catch: (cause) => new DatabaseUnusable({ file, cause }) })
      // The file's name must last before the log is cut below what the file holds.
      yield* syncPath(directory)
      const reader = yield* open(file, true)
      return Database.of({ file, writer, reader })
    })
  )

  static readonly layer = Database.layerNoDeps.pipe(Layer.provide(DataDirectory.layer))
}
