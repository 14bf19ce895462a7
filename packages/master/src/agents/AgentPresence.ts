/**
 * Where every agent is, on every master: each asks the others every other second which of their agents changed, many in
 * one answer, so that a list of ten thousand agents costs no call. A master that is asked keeps nothing about who asks.
 */
import type { AgentId, MasterId } from "@nxmesh/protocol/Ids"
import type { AgentSighting, PresenceAnswer, PresenceQuestion } from "@nxmesh/protocol/peer/AgentMessage"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import { Clock, Context, Duration, Effect, Layer, Queue, Schedule } from "effect"
import { Limits } from "../Limits.ts"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"
import { AgentSessions } from "./AgentSessions.ts"
import { presenceMetrics } from "./ClusterAgentMetrics.ts"
import type { KnownAgent } from "./KnownAgents.ts"
import { OtherMasters } from "./OtherMasters.ts"
import { PresenceOfMaster } from "./PresenceOfMaster.ts"
import { ThisMaster } from "./ThisMaster.ts"
import { judgeWhereabouts, type Sighting, type Whereabouts } from "./Whereabouts.ts"

const { agents: limits } = Limits
const graceMillis = Duration.toMillis(limits.offlineGrace)

const sightingOf = (agentId: AgentId, agent: KnownAgent): AgentSighting => ({
  agent_id: agentId,
  connection_epoch: agent.connectionEpoch,
  connected: agent.connected,
  moving: agent.moving,
  last_seen_at: agent.lastSeenAt,
  serving: agent.serving,
  health: agent.health
})

/** What another master is told. */
const answerOf = (
  { since }: PresenceQuestion,
  incarnation: string,
  { isAccepting, known }: Pick<AgentSessions["Service"], "isAccepting" | "known">
): PresenceAnswer => {
  const from = since !== null && since.incarnation === incarnation ? since.sequence : 0
  const { agents, more, sequence } = known.changedSince(from, ProtocolLimits.sightingsPerAnswerMax)
  return {
    incarnation,
    sequence,
    more,
    sessions: known.sessions(),
    accepting: isAccepting(),
    agents: agents.map(([agentId, agent]) => sightingOf(agentId, agent))
  }
}

/** Asks one master for all that is new. Its silence is no error: what follows from it is judged elsewhere. */
const ask = Effect.fn("AgentPresence.ask")(function* (peer: PresenceOfMaster) {
  const others = yield* OtherMasters
  const { questions, sightings } = yield* presenceMetrics
  for (let chunk = 0; chunk < limits.presenceAnswersMax; chunk++) {
    const answer = yield* others.presence(peer.id, peer.question(), limits.presenceDeadline)
    peer.take(answer, yield* Clock.currentTimeMillis)
    questions.inc({ result: "answered" })
    sightings.inc(answer.agents.length)
    if (!answer.more) return
  }
})

export class AgentPresence extends Context.Service<
  AgentPresence,
  {
    readonly whereabouts: (agentId: AgentId) => Effect.Effect<Whereabouts>
    /** What this master tells others. */
    readonly answer: (question: PresenceQuestion) => Effect.Effect<PresenceAnswer>
    /** The other masters as they last answered. */
    readonly others: () => ReadonlyArray<PresenceOfMaster>
  }
>()("@nxmesh/master/agents/AgentPresence") {
  static readonly layer = Layer.effect(
    AgentPresence,
    Effect.gen(function* () {
      const sessions = yield* AgentSessions
      const reads = yield* Reads
      const self = yield* ThisMaster
      const others = yield* OtherMasters
      const metrics = yield* presenceMetrics
      const registry = yield* Metrics
      const peers = new Map<MasterId, PresenceOfMaster>()
      yield* forgetRemoved(peers)

      const round = Effect.gen(function* () {
        const ids = yield* others.ids
        for (const id of peers.keys()) if (!ids.includes(id)) peers.delete(id)
        for (const id of ids) if (!peers.has(id)) peers.set(id, new PresenceOfMaster(id))
        yield* Effect.forEach(
          [...peers.values()],
          (peer) =>
            ask(peer).pipe(
              Effect.catch((silent) =>
                Effect.andThen(
                  Effect.sync(() => {
                    peer.missed()
                    metrics.questions.inc({ result: "silent" })
                  }),
                  Effect.logDebug(`a master does not say which agents it has: ${silent.message}`)
                )
              )
            ),
          { concurrency: "unbounded", discard: true }
        )
      }).pipe(Effect.provideService(OtherMasters, others), Effect.provideService(Metrics, registry))
      yield* round.pipe(Effect.repeat(Schedule.spaced(limits.presenceInterval)), Effect.forkScoped)

      const own = (agentId: AgentId): Sighting | undefined => {
        const agent = sessions.known.get(agentId)
        if (agent === undefined) return undefined
        const { agent_id: _, ...sighting } = sightingOf(agentId, agent)
        const heardAtMillis = Date.parse(agent.lastSeenAt)
        return { ...sighting, masterId: self.id, heardAtMillis, countsUntilMillis: Number.POSITIVE_INFINITY }
      }

      return AgentPresence.of({
        whereabouts: Effect.fnUntraced(function* (agentId) {
          const nowMillis = yield* Clock.currentTimeMillis
          const told = [...peers.values()].map((peer) => peer.sighting(agentId, graceMillis))
          const sightings = [own(agentId), ...told].filter((sighting) => sighting !== undefined)
          const evidence = { nowMillis, graceMillis, self, sightings, master: (id: MasterId) => peers.get(id)?.known() }
          const first = judgeWhereabouts({ ...evidence, claim: undefined })
          if (first.present) return first
          const claim = yield* reads.agentClaim(agentId)
          return claim === undefined ? first : judgeWhereabouts({ ...evidence, claim })
        }),
        answer: (question) => Effect.sync(() => answerOf(question, self.incarnation, sessions)),
        others: () => [...peers.values()]
      })
    })
  )
}

const forgetRemoved = Effect.fnUntraced(function* (peers: ReadonlyMap<MasterId, PresenceOfMaster>) {
  const applied = yield* (yield* Events).subscribe
  const follow = Effect.map(Queue.take(applied), ({ event }) => {
    if (event._tag === "AgentRemoved") for (const peer of peers.values()) peer.forget(event.agent_id)
  })
  yield* follow.pipe(Effect.forever, Effect.forkScoped)
})
