/**
 * Makes the data directory of a new cluster from a backup, while no master runs there. The steps:
 * 1. the backup is checked whole, and the key file against it; nothing was written yet;
 * 2. `recovery.json` says what the directory becomes; a restore that was cut short starts over from here;
 * 3. the state is unpacked beside its place, checked, and takes it;
 * 4. it goes on as another cluster (Successor.ts), and the mark goes.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { ClusterId } from "@nxmesh/protocol/Ids"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import type { BackupHeader } from "@nxmesh/protocol/model/Backup"
import { nodeFileSystem } from "@nxmesh/raft/storage/file/NodeFileSystem"
import { Effect, Layer } from "effect"
import { join } from "node:path"
import { type CheckedBackup, checkBackup, unpackState } from "../backup/BackupFile.ts"
import { makeNodeId } from "../consensus/Founding.ts"
import { commandOf, type RecoveryMark, recoveryMark } from "../consensus/RecoveryMark.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Database } from "../state/Database.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { runDatabaseTask } from "../state/replica/DatabaseTask.ts"
import { StateDirectory } from "@nxmesh/raft/sqlite/StateDirectory"
import { failed, refused } from "./RecoveryError.ts"
import { namesIn, removeAll } from "./RecoveryFiles.ts"
import { succeed } from "./Successor.ts"

const unpackedName = "restoring.db"

/** What may lie in an empty data directory: the lock of this very command, and what the operator puts there before. */
const harmless: ReadonlySet<string> = new Set(["lock", "lock-journal", "secrets.key", "lost+found"])

/** Pure: why the backup cannot be restored by this build and this key; `null`: it can. */
export const restoreProblem = (
  { cluster_version, key_id, nxmesh_version }: BackupHeader,
  keyFile: { readonly keyIds: ReadonlyArray<string>; readonly keyFile: string }
): string | null => {
  const { highest, lowest } = clusterVersions
  if (cluster_version < lowest || cluster_version > highest) {
    return `the backup is of cluster version ${cluster_version}, and this NxMesh knows ${lowest} to ${highest}: restore it with NxMesh ${nxmesh_version}`
  }
  if (keyFile.keyIds.includes(key_id)) return null
  return (
    `the backup was sealed with the key ${key_id}, and ${keyFile.keyFile} holds the key ${keyFile.keyIds.join(" and ")}: ` +
    "put the cluster's key file there, or name it with NXMESH_SECRETS_KEY_FILE"
  )
}

const requireEmpty = Effect.fnUntraced(function* (directory: string) {
  const found = (yield* namesIn(directory)).filter((name) => !harmless.has(name))
  if (found.length === 0) return
  return yield* refused(
    `${directory} is not empty (${found.toSorted().slice(0, 8).join(", ")}): a backup is restored into an empty data directory, so move what is there away`
  )
})

/** Of a restore before this one that was cut short, or made. */
const beginMark = Effect.fnUntraced(function* (directory: string) {
  const found = yield* recoveryMark.read(directory)
  if (found === null) yield* requireEmpty(directory)
  else if (found.reason !== "restored") {
    return yield* refused(`\`${commandOf(found)}\` was cut short in ${directory}: run it again instead`)
  }
  const mark: RecoveryMark = {
    reason: "restored",
    cluster_id: ClusterId.make(yield* (yield* Identifiers).uuid),
    node_id: yield* makeNodeId
  }
  yield* recoveryMark.write(directory, mark)
  yield* removeAll(directory, ["state", "raft", "raft.seeding", "node.json", unpackedName])
  return mark
})

const unpack = Effect.fnUntraced(function* (backup: CheckedBackup, directory: string) {
  const unpacked = join(directory, unpackedName)
  yield* unpackState(backup, unpacked)
  const { index } = yield* runDatabaseTask({ kind: "verify", path: unpacked })
  if (index !== backup.header.index) {
    return yield* failed(
      `the state in ${backup.file} ends with entry ${index}, and its header says ${backup.header.index}`
    )
  }
  yield* Effect.try({
    try: () =>
      new StateDirectory(nodeFileSystem, join(directory, "state"), (path) => nodeFileSystem.rename(unpacked, path)),
    catch: (cause) =>
      failed(`the state cannot be put in its place: ${cause instanceof Error ? cause.message : String(cause)}`)
  })
})

/** The data directory is held by this process, and the settings name the key file. */
export const restore = Effect.fn("Recovery.restore")(function* (file: string) {
  const { path: directory } = yield* DataDirectory
  const backup = yield* checkBackup(file)
  const { keyFile, ring } = yield* Secrets
  const problem = restoreProblem(backup.header, { keyFile, keyIds: ring.keyIds() })
  if (problem !== null) return yield* refused(problem)
  const mark = yield* beginMark(directory)
  yield* unpack(backup, directory)
  const succession = succeed(mark, { term: backup.header.term, emptyRaft: Effect.succeed(true) })
  const done = yield* Effect.provide(
    succession,
    Database.layerNoDeps.pipe(Layer.provide(Layer.succeed(DataDirectory, { path: directory })))
  )
  return { from: backup.header, ...done }
})
