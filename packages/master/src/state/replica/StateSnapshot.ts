/**
 * The whole state as a file: given away as a snapshot, and taken in place of the one there is. Both leave the main thread
 * free but for reading and writing the pieces.
 */
import type { SnapshotImage } from "@nxmesh/raft/node/StateMachine"
import { Effect } from "effect"
import { basename, join } from "node:path"
import { Limits } from "../../Limits.ts"
import type { Database } from "../Database.ts"
import { schemaKnown, StateTooNew } from "../Migrations.ts"
import { type DatabaseFile, runDatabaseTask } from "./DatabaseTask.ts"
import type { StateDirectory } from "./StateDirectory.ts"
import { StateFileError } from "./StateFileError.ts"

type Files = Pick<Database["Service"], "file" | "states" | "become">

/** Removed when it is closed. */
const imageOf = ({ files }: StateDirectory, path: string, { bytes, index }: DatabaseFile): SnapshotImage => {
  const file = files.open(path, "existing")
  return {
    index,
    bytes,
    read: (offset, bytesMax) =>
      Effect.sync(() => {
        const part = new Uint8Array(Math.min(bytesMax, bytes - offset))
        return part.subarray(0, file.read(part, offset))
      }),
    close: Effect.sync(() => {
      file.close()
      files.remove(path)
    })
  }
}

/** A copy of the state at one moment, made while commands are applied: compact, flushed, reopened and checked (rule 9). */
export const stateSnapshot = (database: Files): Effect.Effect<SnapshotImage, StateFileError> => {
  let taken = 0
  return Effect.suspend(() => {
    taken += 1
    const { file, states } = database
    const path = join(states.directory, `snapshot-${taken}.db`)
    return runDatabaseTask({ kind: "copy", from: file, to: path }).pipe(
      Effect.map((found) => imageOf(states, path, found)),
      Effect.onError(() => Effect.sync(() => states.removeAll((name) => name.startsWith(basename(path)))))
    )
  })
}

const write = ({ files }: StateDirectory, image: SnapshotImage, path: string): Effect.Effect<void, unknown> =>
  Effect.acquireUseRelease(
    Effect.sync(() => files.open(path, "create")),
    (file) =>
      Effect.gen(function* () {
        for (let at = 0; at < image.bytes;) {
          const data = yield* image.read(at, Limits.state.restoreChunkBytes)
          file.write(data, at)
          at += data.length
        }
      }),
    (file) => Effect.sync(() => file.close())
  )

const check = (
  path: string,
  { index, schema }: DatabaseFile,
  image: SnapshotImage
): Effect.Effect<void, StateFileError | StateTooNew> => {
  if (schema > schemaKnown) return Effect.fail(new StateTooNew({ found: schema, known: schemaKnown }))
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
    states.removeAll((name) => name.startsWith(basename(path)))
    return write(states, image, path).pipe(
      Effect.andThen(runDatabaseTask({ kind: "verify", path })),
      Effect.flatMap((found) => check(path, found, image)),
      Effect.andThen(Effect.sync(() => database.become()))
    )
  })
