/**
 * Unix sockets that a killed nginx left. nginx does not unlink before it binds, so one such file keeps it from starting
 * (`bind() to unix:… failed (98)`), while `nginx -t` says that all is well. A failed reload leaves one too.
 */
import { Effect } from "effect"
import { lstat, readdir, unlink } from "node:fs/promises"
import { createConnection } from "node:net"
import { join } from "node:path"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import { errorCode, FileError } from "@nxmesh/core/file/FileError"

/** True when something accepts connections there, or may: only a refusal proves that nobody is there. */
export const isListening = (path: string): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = createConnection({ path })
    const answer = (listening: boolean) => {
      socket.destroy()
      resume(Effect.succeed(listening))
    }
    socket.once("connect", () => answer(true))
    socket.once("error", (cause) => answer(!["ECONNREFUSED", "ENOENT"].includes(errorCode(cause) ?? "")))
    return Effect.sync(() => socket.destroy())
  })

const sockets = (directory: string): Effect.Effect<ReadonlyArray<string>, FileError> =>
  Effect.tryPromise({
    try: async () => {
      const paths = (await readdir(directory)).map((name) => join(directory, name))
      const kinds = await Promise.all(paths.map((path) => lstat(path)))
      return paths.filter((_, index) => kinds[index]?.isSocket() === true)
    },
    catch: (cause) => new FileError({ operation: "list the sockets of", path: directory, cause })
  }).pipe(Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed([]) : Effect.fail(error))))

/** Unlinks the sockets in a directory on which nobody listens; answers their paths. */
export const clear = Effect.fn("StaleSockets.clear")(function* (directory: string) {
  const stale = yield* Effect.filter(yield* sockets(directory), (path) =>
    Effect.map(isListening(path), (live) => !live)
  )
  yield* Effect.forEach(
    stale,
    (path) =>
      Effect.tryPromise({
        try: () => unlink(path),
        catch: (cause) => new FileError({ operation: "remove the stale socket", path, cause })
      }),
    { discard: true }
  )
  if (stale.length > 0) yield* Effect.logWarning("removed stale sockets", { paths: stale })
  return stale
})

/** Makes the directory, 0700, or clears it: after a boot /run is empty, and nginx makes sockets but no directories. */
export const prepare = (directory: string) =>
  Effect.andThen(AtomicFile.makeDirectory(directory, 0o700), clear(directory))
