/**
 * Makes the directory of a node that begins with a state from elsewhere: it looks as if a leader had sent this snapshot.
 * The node's log goes on after the snapshot, and others who join get it. For whoever had a log of another kind before.
 *
 * Everything is made beside the directory and gets its name at the end: a crash leaves nothing there, or all of it, and
 * the next attempt starts over.
 */
import { dirname, join } from "node:path"
import { Effect } from "effect"
import { members } from "../core/Configuration.ts"
import type { NodeId, SnapshotMetadata } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import { DiskStorage } from "../storage/DiskStorage.ts"
import type { FileSystem } from "../storage/file/FileSystem.ts"
import { nodeFileSystem } from "../storage/file/NodeFileSystem.ts"
import { systemCall } from "../storage/file/SystemCall.ts"
import type { LogOptions } from "../storage/log/SegmentedLog.ts"
import { misuse, StorageError } from "../storage/StorageError.ts"
import { attemptOnStorage, NodeStopped } from "./NodeStopped.ts"
import type { SnapshotImage } from "./StateMachine.ts"

export interface Seed {
  /** Empty, or not there yet. */
  readonly directory: string
  readonly id: NodeId
  /** `configuration` names `id`. The log begins with the entry after `index`, and terms with the one after `term`. */
  readonly snapshot: SnapshotMetadata & Pick<SnapshotImage, "bytes" | "read">
  readonly log?: LogOptions
  /** For tests. */
  readonly files?: FileSystem
}

/** Fails when the directory is not empty, when the snapshot cannot be read, and when the disk cannot be written. */
export const seedNode = Effect.fnUntraced(function* (seed: Seed): Effect.fn.Return<void, NodeStopped> {
  const { directory, files = nodeFileSystem, log = Limits.storage } = seed
  const draft = `${directory}.seeding`
  yield* attemptOnStorage(() => {
    checkSeed(seed)
    assertEmpty(files, directory)
    clear(files, draft)
  })
  yield* Effect.acquireUseRelease(
    attemptOnStorage(() => DiskStorage.open(files, draft, log)),
    (storage) => fill(storage, seed),
    (storage) => Effect.sync(() => storage.close())
  )
  yield* attemptOnStorage(() =>
    systemCall("rename", draft, null, () => {
      files.syncDirectory(draft)
      files.rename(draft, directory)
      files.syncDirectory(dirname(directory))
    })
  )
})

const checkSeed = ({ id, snapshot: { configuration, index, term } }: Seed): void => {
  if (index < 1 || term < 1) throw misuse(`a snapshot of index ${index} and term ${term} covers no entry`)
  if (!members(configuration).includes(id)) throw misuse(`the configuration of the snapshot does not name ${id}`)
}

const assertEmpty = (files: FileSystem, directory: string): void => {
  const names = systemCall("list", directory, null, () => {
    files.makeDirectory(directory)
    return files.list(directory)
  })
  if (names.length === 0) return
  const detail = "a node cannot begin with a snapshot here, because the directory is not empty"
  throw new StorageError({ reason: "NotEmpty", file: directory, offset: null, detail })
}

/** What an attempt left that a crash ended. */
const clear = (files: FileSystem, draft: string): void =>
  systemCall("remove", draft, null, () => {
    files.makeDirectory(draft)
    for (const name of files.list(draft)) files.remove(join(draft, name))
  })

const fill = Effect.fnUntraced(function* (storage: DiskStorage, { snapshot }: Seed) {
  const { bytes, configuration, index, read, term } = snapshot
  const writer = yield* attemptOnStorage(() => storage.snapshots.receive({ index, term, configuration }, null))
  for (let offset = 0; offset < bytes;) {
    const data = yield* readPart(read, offset, Math.min(Limits.core.snapshotChunkBytes, bytes - offset))
    yield* attemptOnStorage(() => writer.write(offset, data))
    offset += data.length
  }
  yield* attemptOnStorage(() => {
    writer.finish()
    storage.restore()
    storage.append({ hardState: { term, vote: null, commit: index }, truncateFrom: null, entries: [] })
    storage.sync()
  })
})

const readPart = (read: SnapshotImage["read"], offset: number, bytesMax: number) =>
  read(offset, bytesMax).pipe(
    Effect.mapError((cause) => unreadable(offset, cause instanceof Error ? cause.message : String(cause), cause)),
    Effect.filterOrFail(
      ({ length }) => length > 0 && length <= bytesMax,
      ({ length }) => unreadable(offset, `it gave ${length} bytes where 1 to ${bytesMax} are`)
    )
  )

const unreadable = (offset: number, detail: string, cause?: unknown): NodeStopped =>
  new NodeStopped({
    reason: "HostFailed",
    detail: `the state to begin with cannot be read at offset ${offset}: ${detail}`,
    cause
  })
