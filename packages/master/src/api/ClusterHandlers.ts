import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { ClusterSwitches, Master } from "@nxmesh/protocol/model/ClusterStatus"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Backups } from "../backup/Backups.ts"
import { ClusterStatus } from "../cluster/ClusterStatus.ts"
import type { MemberChange } from "../cluster/Quorum.ts"
import type { ResourceOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { giveBackup } from "./BackupDownload.ts"
import { existing } from "./Change.ts"
import { mastersView, masterView } from "./ClusterView.ts"
import { currentCluster, leavingNames } from "./CurrentCluster.ts"
import { issueJoinToken } from "./JoinTokens.ts"
import { plannedHandover, refusedChange } from "./MemberChanges.ts"
import { answerPage } from "./Pagination.ts"
import { invalid, notFound, refuse } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"
import { idempotencyOf, submit } from "./Submission.ts"

interface PageRequest {
  readonly page: number
  readonly per_page: number
}

/** One page of what fits in memory as a whole. */
const slice = <A>(items: ReadonlyArray<A>, { page, per_page }: PageRequest) => ({
  items: items.slice((page - 1) * per_page, page * per_page),
  total: items.length
})

export const layerCluster = HttpApiBuilder.group(
  NxMeshApi,
  "cluster",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    const { handOver, status } = yield* ClusterStatus
    const backups = yield* Backups

    const masters = Effect.gen(function* () {
      const stored = yield* reads.masters
      const live = yield* status
      return mastersView(stored, live, yield* leavingNames(stored, live))
    })

    /** Refuses what would leave the cluster without a majority. */
    const requireQuorum = Effect.fnUntraced(function* (change: MemberChange) {
      yield* existing("master", change.id)
      const refusal = refusedChange(change, yield* reads.masters, yield* status)
      if (refusal !== null) return yield* Effect.fail(refusal)
    })

    return handlers.handleAll({
      status: Effect.fn("cluster.status")(function* () {
        const index = yield* reads.appliedIndex
        const cluster = yield* currentCluster
        if (cluster === undefined) {
          return yield* Effect.fail(refuse("UNAVAILABLE", "This master does not know its cluster yet: try again soon"))
        }
        yield* answerHeaders(indexHeader(index))
        return { data: cluster }
      }),
      masters: Effect.fn("cluster.masters")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        return yield* answerPage(query, slice(yield* masters, query), index)
      }),
      master: Effect.fn("cluster.master")(function* ({ params }) {
        const index = yield* reads.appliedIndex
        const found = (yield* masters).find(({ id }) => id === params.id)
        if (found === undefined) return yield* Effect.fail(notFound("master", params.id))
        yield* answerHeaders(indexHeader(index))
        return { data: found }
      }),
      removeMaster: Effect.fn("cluster.removeMaster")(function* ({ params }) {
        yield* requireQuorum({ _tag: "Remove", id: params.id })
        yield* submit({ _tag: "RemoveMaster", id: params.id })
      }),
      setVoting: Effect.fn("cluster.setVoting")(function* ({ params, payload }) {
        yield* requireQuorum({ _tag: "Vote", id: params.id, voter: payload.voter })
        const accepted = yield* submit({ _tag: "SetMasterVoting", id: params.id, voter: payload.voter })
        const data: Master = masterView(accepted.value as ResourceOf<"master">, yield* status)
        return { data }
      }),
      handOver: Effect.fn("cluster.handOver")(function* ({ payload }) {
        const handover = yield* Effect.fromResult(plannedHandover(payload.to, yield* status))
        if (handover.from !== handover.to) yield* handOver(handover.to)
        return { data: handover }
      }),
      joinTokens: Effect.fn("cluster.joinTokens")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        return yield* answerPage(query, slice(yield* reads.joinTokens, query), index)
      }),
      createJoinToken: Effect.fn("cluster.createJoinToken")(function* ({ headers, payload }) {
        const key = idempotencyOf(headers["idempotency-key"], { method: "POST", path: "cluster/join-tokens", payload })
        const { index, issued } = yield* issueJoinToken(payload.ttl_seconds, key)
        yield* answerHeaders({
          location: `/api/v1/cluster/join-tokens/${issued.id}`,
          "cache-control": "no-store",
          ...indexHeader(index)
        })
        return { data: issued }
      }),
      revokeJoinToken: Effect.fn("cluster.revokeJoinToken")(function* ({ params }) {
        yield* submit({ _tag: "RevokeJoinToken", id: params.id })
      }),
      backup: () => giveBackup(backups),
      setFreeze: Effect.fn("cluster.setFreeze")(function* ({ payload }) {
        if (payload.frozen && payload.reason === "") {
          return yield* Effect.fail(
            invalid([{ field: "reason", message: "is needed to freeze: it tells others why nothing is deployed" }])
          )
        }
        const accepted = yield* submit({ _tag: "SetFreeze", ...payload })
        return { data: accepted.value as ClusterSwitches }
      }),
      setVersion: Effect.fn("cluster.setVersion")(function* ({ payload }) {
        const accepted = yield* submit({ _tag: "SetClusterVersion", version: payload.version })
        return { data: accepted.value as ClusterSwitches }
      })
    })
  })
)
