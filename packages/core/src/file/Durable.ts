/**
 * What makes a change survive a power cut: the file's bytes, then the directory that names it. A rename is atomic for
 * readers, yet only the fsync of the directory makes it last (fsync(2): "a separate fsync on the directory is needed").
 */
import { Effect } from "effect"
import { open } from "node:fs/promises"
import { FileError } from "./FileError.ts"

/** Fsyncs a file or a directory, by path. */
export const syncPath = (path: string): Effect.Effect<void, FileError> =>
  Effect.tryPromise({
    try: async () => {
      const handle = await open(path, "r")
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
    catch: (cause) => new FileError({ operation: "fsync", path, cause })
  })

/** Fsyncs several, at most `concurrency` at a time: a journalling filesystem merges them into few commits. */
export const syncPaths = (paths: ReadonlyArray<string>, concurrency = 8): Effect.Effect<void, FileError> =>
  Effect.forEach(paths, syncPath, { concurrency, discard: true })
