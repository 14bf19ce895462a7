/**
 * Says in the replicated state which agents are connected here, many to one command, and closes connections of agents that
 * have a newer one elsewhere: two live connections of one agent are resolved to one (design-cluster.md 16). No directive
 * waits for a claim or depends on one.
 */
import { agentClaimRetry } from "@nxmesh/core/policy/Schedules"
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Effect, Layer, Queue } from "effect"
import { Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"
import { Events } from "../state/Events.ts"
import type { AgentClaim } from "../state/ReadCluster.ts"
import { Reads } from "../state/Reads.ts"
import { AgentSessions } from "./AgentSessions.ts"
import { claimMetrics } from "./ClusterAgentMetrics.ts"
import { ThisMaster } from "./ThisMaster.ts"

/**
 * Pure: whether the connection of this process has lost the agent to the one that the claim names. Of two with the same
 * epoch the later entry wins: they are two agents that run with one data directory, or one that was cloned.
 */
export const isLost = (
  held: AgentClaim | undefined,
  here: Pick<ThisMaster["Service"], "id" | "incarnation">,
  connectionEpoch: number
): boolean => {
  if (held === undefined || held.connection_epoch < connectionEpoch) return false
  const isOurs = held.master_id === here.id && held.incarnation === here.incarnation
  return !isOurs || held.connection_epoch > connectionEpoch
}

const claimOwn = Effect.gen(function* () {
  const commands = yield* Commands
  const { id, incarnation } = yield* ThisMaster
  const metrics = yield* claimMetrics
  const sessions = yield* AgentSessions
  /** The newest connection of each agent that is not claimed yet. No more than are connected. */
  const pending = new Map<AgentId, number>()
  const wake = yield* Queue.sliding<void>(1)
  yield* sessions.onConnect((agentId, connectionEpoch) => {
    pending.set(agentId, connectionEpoch)
    metrics.pending.set(pending.size)
    Queue.offerUnsafe(wake, undefined)
  })

  const isHere = (agentId: AgentId, connectionEpoch: number): boolean => {
    const agent = sessions.known.get(agentId)
    return agent?.connected === true && agent.connectionEpoch === connectionEpoch
  }
  /** Each attempt takes what is there then: who left meanwhile is not claimed. */
  const claimSome = Effect.gen(function* () {
    for (const [agentId, connectionEpoch] of pending) if (!isHere(agentId, connectionEpoch)) pending.delete(agentId)
    const batch = [...pending].slice(0, Limits.state.claimsPerCommandMax)
    if (batch.length === 0) return
    yield* commands.submit({
      principal: { _tag: "System", component: "agents" },
      command: {
        _tag: "ClaimAgents",
        master_id: id,
        incarnation,
        claims: batch.map(([agent_id, connection_epoch]) => ({ agent_id, connection_epoch }))
      }
    })
    for (const [agentId, connectionEpoch] of batch) {
      if (pending.get(agentId) === connectionEpoch) pending.delete(agentId)
    }
    metrics.pending.set(pending.size)
    metrics.claims.inc({ result: "claimed" }, batch.length)
    return batch.map(([agentId]) => agentId)
  })
  const judge = yield* makeJudge
  yield* Queue.take(wake).pipe(
    Effect.andThen(Effect.sleep(Limits.agents.claimDelay)),
    Effect.andThen(
      claimSome.pipe(
        Effect.tapError((error) => Effect.logDebug(`agents are not claimed yet: ${error.message}`)),
        Effect.retry(agentClaimRetry),
        // Retried without an end.
        Effect.orElseSucceed(() => undefined),
        // The answer to a claim that came too late: the one that won may be older than this connection's session.
        Effect.tap((claimed) => Effect.forEach(claimed ?? [], judge, { discard: true })),
        Effect.repeat({ while: () => pending.size > 0 })
      )
    ),
    Effect.forever,
    Effect.forkScoped
  )
})

/** Closes the agent's connection here when another one has won. */
const makeJudge = Effect.gen(function* () {
  const { claims } = yield* claimMetrics
  const reads = yield* Reads
  const sessions = yield* AgentSessions
  const here = yield* ThisMaster
  return Effect.fnUntraced(function* (agentId: AgentId) {
    const agent = sessions.known.get(agentId)
    if (agent?.connected !== true) return
    const held = yield* reads.agentClaim(agentId)
    if (held === undefined || !isLost(held, here, agent.connectionEpoch)) return
    yield* Effect.logInfo("an agent has a newer connection on another master", {
      agent_id: agentId,
      master_id: held.master_id
    })
    claims.inc({ result: "superseded" })
    yield* sessions.supersede(agentId, held.connection_epoch)
  })
})

const followClaims = Effect.gen(function* () {
  const applied = yield* (yield* Events).subscribe
  const here = yield* ThisMaster
  const sessions = yield* AgentSessions
  const judge = yield* makeJudge
  const follow = Effect.gen(function* () {
    const { event } = yield* Queue.take(applied)
    if (event._tag === "StateReset") yield* Effect.forEach([...sessions.known.ids()], judge, { discard: true })
    if (event._tag !== "AgentsClaimed") return
    if (event.master_id === here.id && event.incarnation === here.incarnation) return
    yield* Effect.forEach(event.agent_ids, judge, { discard: true })
  })
  yield* follow.pipe(Effect.forever, Effect.forkScoped)
})

export const layerClaims = Layer.effectDiscard(Effect.andThen(followClaims, claimOwn))
