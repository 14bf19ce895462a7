/** What lies in a data directory, for restore and recover. */
import { FileError } from "@nxmesh/core/file/FileError"
import { syncPath } from "@nxmesh/core/file/Durable"
import { Effect } from "effect"
import { readdir, rename, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { getuid } from "node:process"
import { refused } from "./RecoveryError.ts"

const attempt = <A>(operation: string, path: string, run: () => Promise<A>): Effect.Effect<A, FileError> =>
  Effect.tryPromise({ try: run, catch: (cause) => new FileError({ operation, path, cause }) })

/** No names where there is no directory. */
export const namesIn = (directory: string): Effect.Effect<ReadonlyArray<string>, FileError> =>
  attempt("list", directory, () => readdir(directory)).pipe(
    Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed([]) : Effect.fail(error)))
  )

export const removeAll = Effect.fnUntraced(function* (directory: string, names: ReadonlyArray<string>) {
  for (const name of names) {
    const path = join(directory, name)
    yield* attempt("remove", path, () => rm(path, { recursive: true, force: true }))
  }
  yield* syncPath(directory)
})

/** Durable when it succeeds. */
export const moveAside = Effect.fnUntraced(function* (directory: string, from: string, to: string) {
  yield* attempt("rename", join(directory, from), () => rename(join(directory, from), join(directory, to)))
  yield* syncPath(directory)
})

/** The master could not open what another user made, as when an administrator forgot `sudo -u`. */
export const requireOwner = Effect.fnUntraced(function* (directory: string) {
  const found = yield* attempt("look at", directory, () => stat(directory)).pipe(
    Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed(null) : Effect.fail(error)))
  )
  const own = getuid?.()
  if (found === null || own === undefined || found.uid === own) return
  return yield* refused(
    `${directory} belongs to another user than you are: run this as the one that the master runs as (sudo -u)`
  )
})
