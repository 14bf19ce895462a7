/**
 * Files that only their owner may read: keys, identities, the first password. Made whole or not at all, and refused
 * when anyone else could read them. To replace one, use `file/AtomicFile`.
 */
import { open } from "node:fs/promises"
import { Data, Effect } from "effect"
import * as AtomicFile from "../file/AtomicFile.ts"
import { FileError } from "../file/FileError.ts"

export class PrivateFileError extends Data.TaggedError("PrivateFileError")<{
  readonly path: string
  readonly reason: "NotFound" | "Exists" | "Permissions" | "Content" | "Io"
  readonly message: string
  readonly cause?: unknown
}> {}

const failure = (error: FileError) =>
  new PrivateFileError({
    path: error.path,
    reason: error.code === "ENOENT" ? "NotFound" : error.code === "EEXIST" ? "Exists" : "Io",
    message: error.message,
    cause: error.cause
  })

/**
 * Puts the content there, mode 0600, durable when it succeeds. Fails with reason `Exists` when something is there: of two
 * that race, one wins whole.
 */
export const createPrivateFile = (path: string, content: string | Uint8Array): Effect.Effect<void, PrivateFileError> =>
  Effect.mapError(AtomicFile.create(path, content), failure)

const readWithMode = (path: string) =>
  Effect.tryPromise({
    try: async () => {
      const file = await open(path, "r")
      try {
        const { mode } = await file.stat()
        return { mode: mode & 0o777, content: new Uint8Array(await file.readFile()) }
      } finally {
        await file.close()
      }
    },
    catch: (cause) => failure(new FileError({ operation: "read", path, cause }))
  })

/** The content; fails with reason `Permissions` when group or others have any access to the file. */
export const readPrivateFile = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<Uint8Array, PrivateFileError> {
  const { content, mode } = yield* readWithMode(path)
  if ((mode & 0o077) === 0) return content
  return yield* new PrivateFileError({
    path,
    reason: "Permissions",
    message: `${path} has mode ${mode.toString(8).padStart(4, "0")}, so others than its owner can use it; run: chmod 600 ${path}`
  })
})
