/** How the cluster stands, gathered from Raft here and from what the masters say of themselves. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import type { Status } from "@nxmesh/raft/node/Status"
import { Effect, Layer, Result } from "effect"
import type { AskFailed } from "./AskMaster.ts"
import { ClusterStatus, type LiveMaster, type LiveStatus } from "./ClusterStatus.ts"
import { type MasterAnswers, MasterStatuses } from "./MasterStatuses.ts"

const answered = (id: MasterId, { applied_index, disk, last_index, problem, version }: PeerStatus): LiveMaster => ({
  id,
  healthy: problem === null,
  problem,
  lastIndex: last_index,
  appliedIndex: applied_index,
  version,
  disk: disk.total_bytes === 0 ? null : { dataBytes: disk.data_bytes, freeBytes: disk.free_bytes }
})

/** A leader knows at least how much of its log the other one has. */
const silent = (id: MasterId, failure: AskFailed, { peers }: Status): LiveMaster => ({
  id,
  healthy: false,
  problem: failure.message,
  lastIndex: peers.find((peer) => peer.id === id)?.match ?? null,
  appliedIndex: null,
  version: null,
  disk: null
})

/** Pure. A warning that several masters give is told once. */
export const liveStatus = (raft: Status, answers: MasterAnswers): LiveStatus => ({
  id: raft.id as MasterId,
  term: raft.term,
  leaderId: raft.leader as MasterId | null,
  commitIndex: raft.commit,
  appliedIndex: raft.applied,
  voters: raft.configuration.voters.map((id) => id as MasterId),
  learners: raft.configuration.learners.map((id) => id as MasterId),
  masters: new Map(
    [...answers].map(([id, answer]) => [
      id,
      Result.isSuccess(answer) ? answered(id, answer.success) : silent(id, answer.failure, raft)
    ])
  ),
  warnings: [
    ...new Set(
      [...answers.values()].flatMap((answer) => (Result.isSuccess(answer) ? (answer.success.warnings ?? []) : []))
    )
  ]
})

export const layerClusterStatus = Layer.effect(
  ClusterStatus,
  Effect.gen(function* () {
    const node = yield* RaftNode
    const { all } = yield* MasterStatuses
    return ClusterStatus.of({
      status: Effect.gen(function* () {
        const answers = yield* all
        return liveStatus(yield* node.status, answers)
      }),
      handOver: node.transferLeadership
    })
  })
)
