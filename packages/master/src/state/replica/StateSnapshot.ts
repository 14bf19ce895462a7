/**
 * The whole state as a file: given away as a snapshot, and taken in place of the one there is. Both leave the main thread
 * free but for reading and writing the pieces.
 */
import type { SnapshotImage } from "@nxmesh/raft/node/StateMachine"
import { StateFileError } from "@nxmesh/raft/sqlite/StateFileError"
import { Effect } from "effect"
import { open, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { Limits } from "../../Limits.ts"
import type { Database } from "../Database.ts"
import { schemaProblem, type StateVersionUnknown } from "../Migrations.ts"
import { type DatabaseFile, runDatabaseTask } from "./DatabaseTask.ts"

type Files = Pick<Database["Service"], "file" | "states" | "become">

const failed =
  (file: string, task: string) =>
  (cause: unknown): StateFileError =>
    new StateFileError({
      file,
      detail: `cannot ${task} it: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause
    })

const attempt = <A>(file: string, task: string, run: () => Promise<A>): Effect.Effect<A, StateFileError> =>
  Effect.tryPromise({ try: run, catch: failed(file, task) })

/** Removing gigabytes takes a while. What cannot be removed now is at the next start. */
const removeAll = (paths: ReadonlyArray<string>): Effect.Effect<void> =>
  Effect.forEach(paths, (path) => attempt(path, "remove", () => rm(path, { force: true })), { discard: true }).pipe(
    Effect.catch((error) => Effect.logWarning(error.message))
  )

/** Removed when it is closed. */
const imageOf = (path: string, { bytes, index }: DatabaseFile): Effect.Effect<SnapshotImage, StateFileError> =>
  Effect.map(
    attempt(path, "open", () => open(path, "r")),
    (handle) => ({
      index,
      bytes,
      read: (offset, bytesMax) =>
        attempt(path, "read", async () => {
          const part = new Uint8Array(Math.min(bytesMax, bytes - offset))
          const { bytesRead } = await handle.read(part, 0, part.length, offset)
          return part.subarray(0, bytesRead)
        }),
      close: Effect.andThen(
        Effect.promise(() => handle.close()),
        removeAll([path])
      )
    })
  )

/** A copy of the state at one moment, made while commands are applied: compact, flushed, reopened and checked (rule 9). */
export const stateSnapshot = (database: Files): Effect.Effect<SnapshotImage, StateFileError> => {
  let taken = 0
  return Effect.suspend(() => {
    taken += 1
    const { file, states } = database
    const path = join(states.directory, `snapshot-${taken}.db`)
    return runDatabaseTask({ kind: "copy", from: file, to: path }).pipe(
      Effect.flatMap((found) => imageOf(path, found)),
      Effect.onError(() => Effect.suspend(() => removeAll(states.startingWith(basename(path)))))
    )
  })
}

/** Flushed now and then, so that neither a write nor the last flush has gigabytes to wait for. */
const write = (image: SnapshotImage, path: string): Effect.Effect<void, unknown> =>
  Effect.acquireUseRelease(
    attempt(path, "create", () => open(path, "wx", 0o600)),
    (handle) =>
      Effect.gen(function* () {
        for (let at = 0, flushedAt = 0; at < image.bytes;) {
          const data = yield* image.read(at, Limits.state.restoreChunkBytes)
          // A write may be short, on a disk that fills up for one; the next one then says why.
          at += (yield* attempt(path, "write", () => handle.write(data, 0, data.length, at))).bytesWritten
          if (at - flushedAt < Limits.state.restoreFlushBytes) continue
          yield* attempt(path, "flush", () => handle.datasync())
          flushedAt = at
        }
      }),
    (handle) => Effect.promise(() => handle.close())
  )

const check = (
  path: string,
  { index, schema }: DatabaseFile,
  image: SnapshotImage
): Effect.Effect<void, StateFileError | StateVersionUnknown> => {
  const unknown = schemaProblem(schema)
  if (unknown !== null) return Effect.fail(unknown)
  if (index === image.index) return Effect.void
  const detail = `it ends with entry ${index}, and the snapshot with ${image.index}`
  return Effect.fail(new StateFileError({ file: path, detail }))
}

/**
 * Replaces the whole state by the image, durably: it is written beside the state, flushed, checked, and takes its place
 * (rule 10). Whoever fails on the way leaves the state that there was.
 */
export const restoreState = (database: Files, image: SnapshotImage): Effect.Effect<void, unknown> =>
  Effect.suspend(() => {
    const { states } = database
    const path = states.next
    const old = basename(states.current)
    return removeAll(states.startingWith(basename(path))).pipe(
      Effect.andThen(write(image, path)),
      Effect.andThen(runDatabaseTask({ kind: "verify", path })),
      Effect.flatMap((found) => check(path, found, image)),
      Effect.andThen(Effect.sync(() => database.become())),
      Effect.andThen(Effect.suspend(() => removeAll(states.startingWith(old))))
    )
  })
