/**
 * The data directory, held by one master at a time. Node has no flock, SQLite does: an exclusive transaction on a file
 * of its own is held for as long as the process lives, and the kernel lets go of it when the process dies in whatever way.
 */
import { makeDirectory } from "@nxmesh/core/file/AtomicFile"
import { Context, Data, Effect, Layer } from "effect"
import { join } from "node:path"
import { Settings } from "../Settings.ts"
import { openConnection } from "./Connection.ts"

export class DataDirectoryInUse extends Data.TaggedError("DataDirectoryInUse")<{
  readonly directory: string
  readonly cause: unknown
}> {
  override get message() {
    return `${this.directory} is in use by another nxmesh-master: stop it, or give this one another data directory`
  }
}

const lock = (directory: string) =>
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

/** Whoever asks for it may write below `path`: no other master does. */
export class DataDirectory extends Context.Service<DataDirectory, { readonly path: string }>()(
  "@nxmesh/master/state/DataDirectory"
) {
  static readonly layerAt = (path: string) =>
    Layer.effect(
      DataDirectory,
      Effect.gen(function* () {
        yield* makeDirectory(path)
        yield* lock(path)
        return DataDirectory.of({ path })
      })
    )

  static readonly layer = Layer.unwrap(
    Effect.map(Settings, ({ dataDirectory }) => DataDirectory.layerAt(dataDirectory))
  )
}
