/**
 * One master per data directory. Node has no flock, SQLite does: an exclusive transaction on a file of its own is held
 * for as long as the process lives, and the kernel lets go of it when the process dies in whatever way.
 */
import { Data, Effect } from "effect"
import { join } from "node:path"
import { openConnection } from "./Connection.ts"

export class DataDirectoryInUse extends Data.TaggedError("DataDirectoryInUse")<{
  readonly directory: string
  readonly cause: unknown
}> {
  override get message() {
    return `${this.directory} is in use by another nxmesh-master: stop it, or give this one another data directory`
  }
}

/** Holds the directory, which must exist, until the scope closes. */
export const lockDataDirectory = (directory: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const connection = openConnection(join(directory, "lock"), { readOnly: false, busyMillisMax: 0 })
        try {
          connection.execute("BEGIN EXCLUSIVE")
        } catch (cause) {
          connection.close()
          throw cause
        }
        return connection
      },
      catch: (cause) => new DataDirectoryInUse({ directory, cause })
    }),
    (connection) => Effect.sync(connection.close)
  )
