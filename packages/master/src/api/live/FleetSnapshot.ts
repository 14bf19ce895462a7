/**
 * The state of every agent, for counting. It is taken only while somebody looks, anew when it is asked for and is old, and
 * the rarer the longer it takes: whoever watches a fleet costs its master a tenth of a processor at most.
 */
import type { AgentId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { AgentState } from "@nxmesh/protocol/model/Agent"
import { Clock, Context, Effect, Layer, Semaphore } from "effect"
import { LiveAgents } from "../LiveAgents.ts"
import { agentState } from "../../agents/AgentStates.ts"
import { ConfigEngine } from "../../config/ConfigEngine.ts"
import { Limits } from "../../Limits.ts"
import type { ResourceOf } from "../../state/Kinds.ts"
import { Reads } from "../../state/Reads.ts"

export interface SeenAgent {
  readonly id: AgentId
  readonly workspaceId: WorkspaceId
  readonly state: AgentState
  readonly stateReason: string | null
  readonly lastSeenAt: string | null
  readonly desired: string | null
  readonly serving: string | null
}

export class FleetSnapshot extends Context.Service<
  FleetSnapshot,
  {
    readonly agents: Effect.Effect<ReadonlyArray<SeenAgent>>
    /** These as they are now; those that do not exist are left out. */
    readonly some: (ids: ReadonlyArray<AgentId>) => Effect.Effect<ReadonlyArray<SeenAgent>>
  }
>()("@nxmesh/master/api/live/FleetSnapshot") {
  static readonly layer = Layer.effect(
    FleetSnapshot,
    Effect.gen(function* () {
      const reads = yield* Reads
      const engine = yield* ConfigEngine
      const live = yield* LiveAgents
      const turn = yield* Semaphore.make(1)
      let taken: ReadonlyArray<SeenAgent> = []
      let goodUntilMillis = 0

      const seen = Effect.fnUntraced(function* (stored: ResourceOf<"agent">) {
        const presence = yield* live.presence(stored.id)
        const last = yield* reads.lastDeployment(stored.id)
        const desired = yield* Effect.orElseSucceed(engine.generation(stored.id), () => undefined)
        const { reason, state } = agentState(stored, presence, last, desired)
        const agent: SeenAgent = {
          id: stored.id,
          workspaceId: stored.workspace_id,
          state,
          stateReason: reason,
          lastSeenAt: presence?.lastSeenAt ?? null,
          desired: desired ?? null,
          serving: presence?.serving ?? (yield* reads.servingGeneration(stored.id)) ?? null
        }
        return agent
      })

      const takeAll = Effect.gen(function* () {
        const all: Array<SeenAgent> = []
        for (let page = 1; ; page++) {
          const { items } = yield* reads.list("agent", {
            page,
            perPage: Limits.live.agentsPerSlice,
            sort: "created_at",
            descending: false,
            filters: {}
          })
          for (const stored of items) all.push(yield* seen(stored))
          if (items.length < Limits.live.agentsPerSlice) return all
          yield* Effect.yieldNow
        }
      })

      const agents = turn.withPermit(
        Effect.gen(function* () {
          const beganMillis = Number((yield* Clock.monotonicTimeNanos) / 1_000_000n)
          if (beganMillis < goodUntilMillis) return taken
          taken = yield* takeAll
          const endedMillis = Number((yield* Clock.monotonicTimeNanos) / 1_000_000n)
          const tookMillis = endedMillis - beganMillis
          goodUntilMillis = endedMillis + Math.max(Limits.live.snapshotMillisMin, tookMillis * 9)
          return taken
        })
      )

      const some = Effect.fnUntraced(function* (ids: ReadonlyArray<AgentId>) {
        const found: Array<SeenAgent> = []
        for (const id of ids) {
          const stored = yield* reads.get("agent", id)
          if (stored !== undefined) found.push(yield* seen(stored))
        }
        return found
      })

      return FleetSnapshot.of({ agents, some })
    })
  )
}
