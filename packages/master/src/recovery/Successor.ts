/**
 * The state of a cluster that is no more becomes that of another one, whose only master is this one: by the same authority,
 * which agents pin, under another id, so that whoever comes back of the old one is not heard.
 *
 * The entry that does it is applied here, before Raft begins with the state as a snapshot: no log holds it, so that who joins
 * later never has to apply it. Every step is durable before the next, and does nothing where it was done.
 */
import type { Proposal } from "@nxmesh/protocol/Command"
import { CommandId, type ClusterId } from "@nxmesh/protocol/Ids"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { seedNode } from "@nxmesh/raft/node/Seed"
import { Clock, Effect } from "effect"
import { describeMaster } from "../consensus/Description.ts"
import { identifyWith } from "../consensus/Founding.ts"
import { raftDirectory } from "../consensus/IdentityLayer.ts"
import { type RecoveryMark, recoveryMark } from "../consensus/RecoveryMark.ts"
import { sealedPlaces } from "../secrets/Secrets.ts"
import { openWithKeyFile } from "../secrets/WrongKeyFile.ts"
import { Settings } from "../Settings.ts"
import { Database } from "../state/Database.ts"
import { DataDirectory } from "../state/DataDirectory.ts"
import { clusterState } from "../state/ReadCluster.ts"
import { cluster } from "../state/ReadIdentities.ts"
import { stateSnapshot } from "../state/replica/StateSnapshot.ts"
import { applyBatch, readApplied } from "../state/StateMachine.ts"
import { failed } from "./RecoveryError.ts"

/** What the new cluster begins with. */
export interface Succeeded {
  readonly cluster_id: ClusterId
  readonly cluster_version: number
  readonly epoch: number
  /** The entry that its log begins after. */
  readonly index: number
  readonly term: number
}

/**
 * Pure: above the epoch before, and above that of any other restore, also of the same backup: else agents that followed the
 * one would refuse the other. Seconds since 1970 are so, as long as clocks are not far off.
 */
export const nextEpoch = (epoch: number, nowMillis: number): number =>
  Math.max(epoch + 1, Math.floor(nowMillis / 1_000))

/** Opens the cluster's authority, which says whether the key file is the right one. */
export const openAuthority = Effect.gen(function* () {
  const { reader } = yield* Database
  const stored = cluster(reader)
  if (stored === undefined) return yield* failed("the state holds no cluster: there is nothing to go on with")
  const privateKeyPem = yield* openWithKeyFile(stored.ca_private_key, sealedPlaces.clusterCa)
  return { certificatePem: stored.ca_certificate_pem, privateKeyPem }
})

/** Whether the state went on as the new cluster already. */
export const hasSucceeded = ({ cluster_id }: RecoveryMark) =>
  Effect.map(Database, ({ reader }) => clusterState(reader)?.clusterId === cluster_id)

const proposalOf = Effect.fnUntraced(function* ({ cluster_id, node_id, reason }: RecoveryMark) {
  const { reader } = yield* Database
  const nowMillis = yield* Clock.currentTimeMillis
  const proposal: Proposal = {
    id: CommandId.make(yield* (yield* Identifiers).uuid),
    at_millis: nowMillis,
    principal: { _tag: "System", component: reason === "restored" ? "restore" : "recover" },
    idempotency: null,
    remote_address: null,
    command: {
      _tag: "OpenEpoch",
      reason,
      into: {
        cluster_id,
        epoch: nextEpoch(clusterState(reader)?.epoch ?? 0, nowMillis),
        master: describeMaster(yield* Settings, node_id)
      }
    }
  }
  return { proposal, nowMillis }
})

/** In a term of its own, above all that the state knows of and `term`. Flushed when it is done. */
const openEpoch = Effect.fnUntraced(function* (mark: RecoveryMark, term: number) {
  const { writer } = yield* Database
  const { nowMillis, proposal } = yield* proposalOf(mark)
  yield* Effect.try({
    try: () => {
      const before = readApplied(writer)
      const at = { index: before.index + 1, term: Math.max(before.term, term) + 1 }
      const [result] = applyBatch(writer, before, {
        entries: [{ ...at, atMillis: nowMillis, proposal }],
        last: at
      }).results
      if (result?.defect !== undefined) {
        throw new Error(`apply has a defect, please report it: ${String(result.defect)}`, { cause: result.defect })
      }
      if (result?.outcome._tag === "Rejected") throw new Error(result.outcome.rejection.message)
      writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    },
    catch: (cause) =>
      failed(`the state cannot go on as another cluster: ${cause instanceof Error ? cause.message : String(cause)}`)
  })
})

/** Raft's directory, which is empty, begins with the state as a snapshot. */
const seed = Effect.fnUntraced(function* ({ node_id }: RecoveryMark) {
  const database = yield* Database
  const directory = raftDirectory((yield* DataDirectory).path)
  const { index, term } = readApplied(database.reader)
  yield* Effect.acquireUseRelease(
    stateSnapshot(database),
    (image) =>
      seedNode({
        directory,
        id: node_id,
        snapshot: {
          ...image,
          term,
          configuration: { voters: [node_id], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
        }
      }),
    (image) => image.close
  )
  return { index, term }
})

/** What stands between the steps: where Raft's directory gets empty. */
export interface SuccessionSteps<E, R> {
  /** The highest term that any log here has seen. */
  readonly term: number
  /** Answers whether Raft still has to be seeded. May be repeated. */
  readonly emptyRaft: Effect.Effect<boolean, E, R>
}

/** Does what is left, and takes the mark away. */
export const succeed = Effect.fn("Recovery.succeed")(function* <E, R>(
  mark: RecoveryMark,
  { emptyRaft, term }: SuccessionSteps<E, R>
) {
  const { path: directory } = yield* DataDirectory
  const database = yield* Database
  const authority = yield* openAuthority
  if (!(yield* hasSucceeded(mark))) yield* openEpoch(mark, term)
  if (yield* emptyRaft) yield* seed(mark)
  const who = { nodeId: mark.node_id, clusterId: mark.cluster_id, founder: false }
  yield* identifyWith(directory, who, authority)
  const state = clusterState(database.reader)
  yield* recoveryMark.remove(directory)
  const done: Succeeded = {
    cluster_id: mark.cluster_id,
    cluster_version: state?.clusterVersion ?? 1,
    epoch: state?.epoch ?? 1,
    ...readApplied(database.reader)
  }
  return done
})
