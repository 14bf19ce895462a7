/** Sends agents back, a few every second, to the masters that they prefer. `Rebalancing` decides which. */
import { directiveSince } from "@nxmesh/protocol/link/Directive"
import { Clock, Duration, Effect, Layer, Schedule } from "effect"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"
import { AgentPresence } from "./AgentPresence.ts"
import { AgentSessions } from "./AgentSessions.ts"
import { rebalanceMetrics } from "./ClusterAgentMetrics.ts"
import { agentsToSendHome, type HeldAgent, type RebalancePolicy } from "./Rebalancing.ts"
import { ThisMaster } from "./ThisMaster.ts"

const { agents: limits } = Limits

const policy: RebalancePolicy = {
  toleranceFactor: limits.rebalanceToleranceFactor,
  slack: limits.rebalanceSlack,
  steadyMillis: Duration.toMillis(limits.rebalanceSteady),
  patienceMillis: Duration.toMillis(limits.rebalancePatience),
  agentsMax: limits.rebalancedPerSecondMax
}

/** Agents that know the directive `Masters` rank the masters. */
const rankingVersion = directiveSince("Masters")

export const layerRebalancer = Layer.effectDiscard(
  Effect.gen(function* () {
    const { sentHome } = yield* rebalanceMetrics
    const presence = yield* AgentPresence
    const reads = yield* Reads
    const { id: selfId } = yield* ThisMaster
    const sessions = yield* AgentSessions

    const held = function* (): Generator<HeldAgent> {
      for (const [id, { dismissedAtMillis, seat }] of sessions.known.entries()) {
        if (seat !== null) yield { id, dismissedAtMillis, ranks: seat.protocol >= rankingVersion }
      }
    }
    const look = Effect.gen(function* () {
      const others = presence.others()
      if (others.every((other) => other.steadySinceMillis() === null)) return
      const addresses = new Map((yield* reads.masters).map(({ agent_address, id }) => [id, agent_address]))
      const address = addresses.get(selfId)
      if (address === undefined) return
      const holding = others.flatMap((other) => {
        const theirs = addresses.get(other.id)
        return theirs === undefined
          ? []
          : [{ address: theirs, sessions: other.sessions(), steadySinceMillis: other.steadySinceMillis() }]
      })
      const self = { address, sessions: sessions.known.sessions() }
      const home = agentsToSendHome(policy, self, holding, held(), yield* Clock.currentTimeMillis)
      if (home.length === 0) return
      sentHome.inc(home.length)
      yield* Effect.logInfo("sending agents back to the masters that they prefer", { agents: home.length })
      yield* Effect.forEach(home, (agentId) => sessions.dismiss(agentId, "another master is nearer to its share"), {
        discard: true
      })
    })
    yield* look.pipe(Effect.repeat(Schedule.spaced("1 second")), Effect.forkScoped)
  })
)
