/**
 * Goes on with what one master has, after a majority of its cluster was lost for good: as another cluster, of it alone. No
 * master runs there meanwhile. The steps:
 * 1. the key file is tried; nothing was written yet;
 * 2. `recovery.json` says what the master becomes; a recovery that was cut short goes on from where it was;
 * 3. all that its log holds counts as committed, and is applied to the state;
 * 4. the state goes on as another cluster (Successor.ts); Raft's directory is put aside and begins anew with the state.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { leaderReadRetry } from "@nxmesh/core/policy/Schedules"
import { ClusterId, type MasterId } from "@nxmesh/protocol/Ids"
import { defaultNodeOptions } from "@nxmesh/raft/node/NodeOptions"
import { startRaftNode } from "@nxmesh/raft/node/RaftNode"
import { inspectNode, recoverNode } from "@nxmesh/raft/node/Recover"
import { Effect, Layer } from "effect"
import { makeNodeId } from "../consensus/Founding.ts"
import { formingFile, nodeFile, type NodeFile } from "../consensus/IdentityFiles.ts"
import { raftDirectory } from "../consensus/IdentityLayer.ts"
import { commandOf, type RecoveryMark, recoveryMark } from "../consensus/RecoveryMark.ts"
import { Limits } from "../Limits.ts"
import { sealedPlaces } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import { Database } from "../state/Database.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { Events } from "../state/Events.ts"
import { ReplicatedState } from "../state/ReplicatedState.ts"
import { failed, refused } from "./RecoveryError.ts"
import { moveAside, namesIn, removeAll } from "./RecoveryFiles.ts"
import { hasSucceeded, succeed } from "./Successor.ts"

/** What the lost cluster was, of which no word is true any more. */
const staleNames = ["masters.json", "diverged.json", "rejoining.json", "joining.json"]

const identityIn = Effect.fnUntraced(function* (directory: string) {
  const found = yield* nodeFile.read(directory)
  if (found !== null) return found
  return yield* refused(`${directory} holds no master: node.json, which says who it is, is not there`)
})

/** How far this master's log goes, to compare with that of others that are left: the greatest last term wins, then index. */
export const inspect = Effect.gen(function* () {
  const { path: directory } = yield* DataDirectory
  const { cluster_id, node_id } = yield* identityIn(directory)
  const mark = yield* recoveryMark.read(directory)
  const asked = inspectNode({ directory: raftDirectory(directory) })
  // A recovery that was cut short may just have put it aside.
  const log = yield* mark === null ? asked : Effect.orElseSucceed(asked, () => null)
  return {
    data_dir: directory,
    cluster_id,
    node_id,
    log:
      log === null
        ? null
        : { last_index: log.lastIndex, last_term: log.lastTerm, known_committed_index: log.commit, term: log.term },
    under_way: mark === null ? null : commandOf(mark)
  }
})
export type Inspected = Effect.Success<typeof inspect>

/** A master that never had a state is not made one by a mark. */
const requireState = Effect.fnUntraced(function* (directory: string) {
  if ((yield* formingFile.read(directory)) !== null) {
    return yield* refused(
      `the master in ${directory} had not made its cluster yet: start it, there is nothing to recover`
    )
  }
  const { lastIndex } = yield* inspectNode({ directory: raftDirectory(directory) })
  if (lastIndex === 0) {
    return yield* refused(`the master in ${directory} had not got the cluster's state yet: recover with another one`)
  }
})

const beginMark = Effect.fnUntraced(function* (directory: string) {
  const found = yield* recoveryMark.read(directory)
  if (found?.reason === "recovered") return found
  if (found !== null)
    return yield* refused(`\`${commandOf(found)}\` was cut short in ${directory}: run it again instead`)
  yield* requireState(directory)
  const mark: RecoveryMark = {
    reason: "recovered",
    cluster_id: ClusterId.make(yield* (yield* Identifiers).uuid),
    node_id: yield* makeNodeId
  }
  yield* recoveryMark.write(directory, mark)
  return mark
})

/** A node alone, on loopback, until it has applied all that the log holds. */
const applyLog = Effect.fnUntraced(function* (directory: string, id: MasterId) {
  const { machine } = yield* ReplicatedState
  const node = yield* startRaftNode({
    options: { ...defaultNodeOptions, id, bootstrap: null },
    directory,
    machine,
    network: { cluster: "recovery", listen: { host: "127.0.0.1", port: 0 }, tls: null, allowPlaintext: false },
    peers: new Map()
  })
  yield* Effect.raceFirst(Effect.retry(node.read, leaderReadRetry), node.stopped).pipe(
    Effect.timeoutOrElse({
      duration: Limits.recovery.applyMax,
      orElse: () => Effect.fail(failed("the log was not applied in time: run this again"))
    })
  )
})

/** Everything in the log becomes committed and applied; answers the highest term that the log has seen. */
const finishLog = Effect.fnUntraced(function* (directory: string, id: MasterId) {
  const raft = raftDirectory(directory)
  yield* recoverNode({ directory: raft, id })
  yield* Effect.scoped(applyLog(raft, id))
  return (yield* inspectNode({ directory: raft })).term
})

/** What Raft had is kept under the old node's name, until the operator is sure. */
const putRaftAside = (directory: string, { node_id }: NodeFile, mark: RecoveryMark) =>
  Effect.gen(function* () {
    const aside = `raft.before-${mark.node_id}`
    const names = yield* namesIn(directory)
    if (!names.includes(aside)) yield* moveAside(directory, "raft", aside)
    yield* Effect.logInfo("the log of before is kept", { directory: aside, node_id })
    return (yield* namesIn(raftDirectory(directory))).length === 0
  })

/** The data directory is held by this process, and the settings name the key file. */
export const recover = Effect.gen(function* () {
  const { path: directory } = yield* DataDirectory
  const identity = yield* identityIn(directory)
  yield* openWithKeyFile(identity.private_key, sealedPlaces.serverCertificate)
  const mark = yield* beginMark(directory)
  const layerState = ReplicatedState.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(Database.layerNoDeps, Events.layer, Metrics.layer)),
    Layer.provide(Layer.succeed(DataDirectory, { path: directory }))
  )
  const done = yield* Effect.gen(function* () {
    const term = (yield* hasSucceeded(mark)) ? 0 : yield* finishLog(directory, mark.node_id)
    yield* removeAll(directory, staleNames)
    return yield* succeed(mark, { term, emptyRaft: putRaftAside(directory, identity, mark) })
  }).pipe(Effect.provide(layerState))
  return { was: { cluster_id: identity.cluster_id, node_id: identity.node_id }, ...done }
})
