/**
 * How long changes take until all that are connected serve them, by the leader's clock: from its apply to that of the last
 * outcome. The leader alone measures, so that a sum over the masters counts each change once; what is open when leadership
 * moves is not measured.
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { Deployment } from "@nxmesh/protocol/model/Deployment"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Clock, Duration, Effect, Layer, Queue, Schedule } from "effect"
import type { Affected } from "../config/CatalogueFollower.ts"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import { Limits } from "../Limits.ts"
import { Events } from "../state/Events.ts"
import { AgentPresence } from "./AgentPresence.ts"
import { OpenChanges } from "./OpenChanges.ts"

const { agents: limits } = Limits

const convergenceMetrics = Effect.gen(function* () {
  const metrics = yield* Metrics
  return {
    seconds: yield* metrics.histogram({
      name: "nxmesh_master_change_convergence_seconds",
      help: "From the apply of a change to the outcome of the last connected agent that serves it, measured by the leader.",
      buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600]
    }),
    agents: yield* metrics.histogram({
      name: "nxmesh_master_change_agents",
      help: "Connected agents whose bundle a change made another one, measured by the leader.",
      buckets: [1, 2, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000]
    }),
    given: yield* metrics.counter({
      name: "nxmesh_master_changes_unsettled_total",
      help: "Changes that not all connected agents served in time: one failed, is in maintenance, or has left."
    }),
    open: yield* metrics.gauge({
      name: "nxmesh_master_changes_open",
      help: "Changes that not all connected agents serve yet; 0 on masters that do not lead."
    })
  }
})

type Heard =
  | { readonly _tag: "Changed"; readonly affected: Affected; readonly atMillis: number }
  | { readonly _tag: "Ended"; readonly deployment: Deployment }
  | { readonly _tag: "Reset" }

const measure = Effect.gen(function* () {
  const engine = yield* ConfigEngine
  const node = yield* RaftNode
  const presence = yield* AgentPresence
  const metrics = yield* convergenceMetrics
  const open = new OpenChanges(limits.changePairsMax)
  const heard = yield* Queue.sliding<Heard>(limits.changesWaitingMax)
  const leads = Effect.map(node.status, ({ role }) => role === "Leader")

  const isThere = (agentId: AgentId) => Effect.map(presence.whereabouts(agentId), ({ present }) => present)
  const changed = Effect.fnUntraced(function* ({ agentIds, index }: Affected, atMillis: number) {
    const connected = yield* Effect.filter([...agentIds], isThere)
    if (connected.length > 0) metrics.agents.observe(connected.length)
    metrics.given.inc(open.opened(index, connected, atMillis))
  })
  const ended = Effect.fnUntraced(function* ({ agent_id, serving_generation, status }: Deployment) {
    if (status !== "settled" || open.size === 0) return
    const wanted = yield* Effect.orElseSucceed(engine.generation(agent_id), () => undefined)
    if (wanted !== serving_generation) return
    const nowMillis = yield* Clock.currentTimeMillis
    for (const millis of open.settled(agent_id, nowMillis)) metrics.seconds.observe(millis / 1_000)
  })

  const take = Effect.fnUntraced(function* (one: Heard) {
    if (one._tag === "Reset" || !(yield* leads)) open.clear()
    else if (one._tag === "Changed") yield* changed(one.affected, one.atMillis)
    else yield* ended(one.deployment)
    metrics.open.set(open.size)
  })

  const expire = Effect.gen(function* () {
    const nowMillis = yield* Clock.currentTimeMillis
    metrics.given.inc(open.expire(nowMillis - Duration.toMillis(limits.convergenceMax)))
    if (!(yield* leads)) open.clear()
    metrics.open.set(open.size)
  })

  yield* engine.listen((affected) =>
    Effect.flatMap(Clock.currentTimeMillis, (atMillis) => Queue.offer(heard, { _tag: "Changed", affected, atMillis }))
  )
  const applied = yield* (yield* Events).subscribe
  const follow = Effect.flatMap(Queue.take(applied), ({ event }) => {
    if (event._tag === "StateReset") return Queue.offer(heard, { _tag: "Reset" })
    if (event._tag !== "DeploymentRecorded") return Effect.void
    return Queue.offer(heard, { _tag: "Ended", deployment: event.deployment })
  })
  yield* Effect.forkScoped(Effect.forever(follow))
  yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.take(heard), take)))
  yield* Effect.forkScoped(Effect.repeat(expire, Schedule.spaced(limits.changesExpireInterval)))
})

export const layerChangeConvergence = Layer.effectDiscard(measure)
