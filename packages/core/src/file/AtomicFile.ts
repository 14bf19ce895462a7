/**
 * Whole files that are either the old one or the new one, for readers and after a power cut: written beside the
 * target, fsynced, renamed over it, and the directory fsynced.
 */
import { Effect } from "effect"
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises"
import { dirname } from "node:path"
import { pid } from "node:process"
import { syncPath } from "./Durable.ts"
import { FileError } from "./FileError.ts"

let written = 0

/** Writes the whole file beside its place, and has `place` put it there. */
const put = async (
  path: string,
  content: string | Uint8Array,
  mode: number,
  place: (temporary: string, path: string) => Promise<void>
): Promise<void> => {
  written += 1
  const temporary = `${path}.${pid}-${written}.tmp`
  try {
    const handle = await open(temporary, "wx", mode)
    try {
      await handle.chmod(mode) // the umask must not decide who reads a secret, or who cannot read a page
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await place(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true })
    throw cause
  }
}

/** Replaces `path` with `content`; durable when it succeeds. `mode` is 0600 unless told: much of what is kept is secret. */
export const write = (
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number } = {}
): Effect.Effect<void, FileError> =>
  Effect.tryPromise({
    try: () => put(path, content, options.mode ?? 0o600, rename),
    catch: (cause) => new FileError({ operation: "write", path, cause })
  }).pipe(Effect.andThen(syncPath(dirname(path))), Effect.uninterruptible)

/**
 * As `write`, where nothing is yet: fails with `EEXIST` when something is. Of two that race, one wins whole, since link(2)
 * replaces nothing.
 */
export const create = (path: string, content: string | Uint8Array): Effect.Effect<void, FileError> =>
  Effect.tryPromise({
    try: () =>
      put(path, content, 0o600, async (temporary) => {
        await link(temporary, path)
        await rm(temporary, { force: true })
      }),
    catch: (cause) => new FileError({ operation: "create", path, cause })
  }).pipe(Effect.andThen(syncPath(dirname(path))), Effect.uninterruptible)

/** The file's bytes, or `null` when there is none. */
export const readIfExists = (path: string): Effect.Effect<Uint8Array | null, FileError> =>
  Effect.tryPromise({
    try: () => readFile(path),
    catch: (cause) => new FileError({ operation: "read", path, cause })
  }).pipe(Effect.catch((error) => (error.code === "ENOENT" ? Effect.succeed(null) : Effect.fail(error))))

/** Removes a file if it is there; durable when it succeeds. */
export const remove = (path: string): Effect.Effect<void, FileError> =>
  Effect.tryPromise({
    try: () => rm(path, { force: true }),
    catch: (cause) => new FileError({ operation: "remove", path, cause })
  }).pipe(Effect.andThen(syncPath(dirname(path))), Effect.uninterruptible)

/** Makes a directory and its parents; 0700 unless told. One that exists keeps its mode. */
export const makeDirectory = (path: string, mode = 0o700): Effect.Effect<void, FileError> =>
  Effect.tryPromise({
    try: () => mkdir(path, { recursive: true, mode }),
    catch: (cause) => new FileError({ operation: "make the directory", path, cause })
  }).pipe(Effect.asVoid)
