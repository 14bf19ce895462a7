/**
 * Makes a cluster of one node out of what one of its members has, after a majority was lost for good. Whatever this
 * member's log holds counts as committed from here on; what only the lost ones had is gone. So take the member with the
 * longest log, and give the cluster another name: members that come back belong to the old one, and must not be heard.
 */
import { join } from "node:path"
import { Effect } from "effect"
import { noConfiguration } from "../core/Configuration.ts"
import type { Entry, Index, NodeId, Term } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import { DiskStorage } from "../storage/DiskStorage.ts"
import type { FileSystem } from "../storage/file/FileSystem.ts"
import { nodeFileSystem } from "../storage/file/NodeFileSystem.ts"
import { systemCall } from "../storage/file/SystemCall.ts"
import { hardStateName } from "../storage/HardStateFile.ts"
import type { LogOptions } from "../storage/log/SegmentedLog.ts"
import { StorageError } from "../storage/StorageError.ts"
import { attemptOnStorage } from "./NodeStopped.ts"
import type { NodeStopped } from "./NodeStopped.ts"

export interface Recovery {
  /** Of the member, which does not run. */
  readonly directory: string
  /** The only voter from here on; may be another name than the member had. */
  readonly id: NodeId
  readonly log?: LogOptions
  /** For tests. */
  readonly files?: FileSystem
}

/** The entry that makes `id` the only voter, durable; its term is above every one that this member has seen. */
export interface Recovered {
  readonly index: Index
  readonly term: Term
}

/** Fails when there is no member's log in the directory, when a node uses it, and when the disk fails. May be repeated. */
export const recoverNode = Effect.fnUntraced(function* ({
  directory,
  files = nodeFileSystem,
  id,
  log = Limits.storage
}: Recovery): Effect.fn.Return<Recovered, NodeStopped> {
  yield* attemptOnStorage(() => assertStorage(files, directory))
  return yield* Effect.acquireUseRelease(
    attemptOnStorage(() => DiskStorage.open(files, directory, log)),
    (storage) => attemptOnStorage(() => standAlone(storage, directory, id)),
    (storage) => Effect.sync(() => storage.close())
  )
})

/** Opening would make one. */
const assertStorage = (files: FileSystem, directory: string): void => {
  const names = systemCall("list", directory, null, () => files.list(directory))
  if (!names.includes(hardStateName)) throw nothingIn(join(directory, hardStateName))
}

/** The vote is this node's own: it leads the term in which it appends. That commits all there is, as soon as it starts. */
const standAlone = (storage: DiskStorage, directory: string, id: NodeId): Recovered => {
  if (storage.lastIndex === 0) throw nothingIn(directory)
  const term = storage.hardState.term + 1
  const index = storage.lastIndex + 1
  const configuration = { ...noConfiguration, voters: [id] }
  const entry: Entry = { kind: "Configuration", index, term, configuration }
  storage.append({ hardState: { ...storage.hardState, term, vote: id }, truncateFrom: null, entries: [entry] })
  storage.sync()
  return { index, term }
}

const nothingIn = (file: string): StorageError =>
  new StorageError({
    reason: "Missing",
    file,
    offset: null,
    detail: "there is no log of a member here to recover from"
  })

/** How far a member's log goes: what to compare before one of them is chosen to go on with. */
export interface Inspection {
  /** The last entry of the log, or of the snapshot when the log holds nothing after it. */
  readonly lastIndex: Index
  readonly lastTerm: Term
  /** Up to here the member knew the log to be committed. */
  readonly commit: Index
  /** The highest term that it has seen. */
  readonly term: Term
}

/** Of a member that does not run. A torn tail is cut, as at any start. */
export const inspectNode = Effect.fnUntraced(function* ({
  directory,
  files = nodeFileSystem,
  log = Limits.storage
}: Omit<Recovery, "id">): Effect.fn.Return<Inspection, NodeStopped> {
  yield* attemptOnStorage(() => assertStorage(files, directory))
  return yield* Effect.acquireUseRelease(
    attemptOnStorage(() => DiskStorage.open(files, directory, log)),
    ({ hardState: { commit, term }, lastIndex, lastTerm }) => Effect.succeed({ lastIndex, lastTerm, commit, term }),
    (storage) => Effect.sync(() => storage.close())
  )
})
