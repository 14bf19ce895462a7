/** What every master says of itself, asked at once and kept for a moment, so that many who look ask once. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { members } from "@nxmesh/raft/core/Configuration"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Context, Effect, Layer, type Result } from "effect"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"
import { type AskFailed, AskMaster } from "./AskMaster.ts"
import { OwnStatus } from "./OwnStatus.ts"

export type MasterAnswers = ReadonlyMap<MasterId, Result.Result<PeerStatus, AskFailed>>

export class MasterStatuses extends Context.Service<
  MasterStatuses,
  {
    /** This master, every other one of Raft's configuration and every other one of the table; a second old at most. */
    readonly all: Effect.Effect<MasterAnswers>
  }
>()("@nxmesh/master/cluster/MasterStatuses") {
  static readonly layer = Layer.effect(
    MasterStatuses,
    Effect.gen(function* () {
      const ask = yield* AskMaster
      const node = yield* RaftNode
      const own = yield* OwnStatus
      const reads = yield* Reads
      const look = Effect.gen(function* () {
        const { configuration, id: self } = yield* node.status
        const wanted = (yield* reads.masters).map(({ id }) => id)
        const ids = new Set([...wanted, ...members(configuration).map((id) => id as MasterId), self as MasterId])
        const answers = yield* Effect.forEach(
          ids,
          (id) =>
            Effect.map(
              Effect.result(id === self ? own.status : ask.status(id, Limits.cluster.askMaster)),
              (answer) => [id, answer] as const
            ),
          { concurrency: "unbounded" }
        )
        return new Map(answers)
      })
      return MasterStatuses.of({ all: yield* Effect.cachedWithTTL(look, Limits.cluster.statusKept) })
    })
  )
}
