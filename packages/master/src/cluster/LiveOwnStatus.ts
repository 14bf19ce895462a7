/** What this master says of itself: how Raft stands here, what its state holds, how full its disk is. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Effect, Layer } from "effect"
import { Limits } from "../Limits.ts"
import { Secrets } from "../secrets/Secrets.ts"
import { Reads } from "../state/Reads.ts"
import { version } from "../Version.ts"
import { Disk } from "./Disk.ts"
import { ownProblem, roleOf } from "./OwnHealth.ts"
import { OwnStatus } from "./OwnStatus.ts"
import { Warnings } from "./Warnings.ts"

const noDisk = { data_bytes: 0, state_bytes: 0, free_bytes: 0, total_bytes: 0 }

export const layerOwnStatus = Layer.effect(
  OwnStatus,
  Effect.gen(function* () {
    const disk = yield* Disk
    const node = yield* RaftNode
    const reads = yield* Reads
    const { ring } = yield* Secrets
    const warnings = yield* Warnings
    const status = Effect.gen(function* () {
      const raft = yield* node.status
      const use = yield* disk.use
      yield* ring.refresh
      const masters = yield* reads.masters
      return {
        id: raft.id as MasterId,
        role: roleOf(raft),
        term: raft.term,
        leader_id: raft.leader as MasterId | null,
        commit_index: raft.commit,
        last_index: raft.lastIndex,
        applied_index: yield* reads.appliedIndex,
        version,
        problem: ownProblem(raft, use),
        disk:
          use === null
            ? noDisk
            : {
                data_bytes: use.dataBytes,
                state_bytes: use.stateBytes,
                free_bytes: use.freeBytes,
                total_bytes: use.totalBytes
              },
        warnings: (yield* warnings.all).slice(0, Limits.cluster.warningsTold),
        key_ids: ring.keyIds(),
        peer_addresses: Object.fromEntries(masters.map(({ id, peer_address }) => [id, peer_address]))
      }
    })
    return OwnStatus.of({ status })
  })
)
