/**
 * Gives agents that are connected here new session keys, when the one that they have is old or somebody asked for it: a few every
 * second, over the connection that they have. The key before stays good until the next rotation, so that nothing has to wait.
 */
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Clock, Duration, Effect, Layer, Schedule } from "effect"
import { isAgentKeyDue } from "../keys/KeyDecisions.ts"
import { Limits } from "../Limits.ts"
import { Database } from "../state/Database.ts"
import { clusterVersion } from "../state/ReadCluster.ts"
import { agentKeys } from "../state/ReadIdentities.ts"
import { agentKeysBefore, agentKeyTime } from "../state/ReadKeys.ts"
import { AgentSessions } from "./AgentSessions.ts"

const millisOf = (at: string | null | undefined): number | undefined =>
  typeof at === "string" ? Date.parse(at) : undefined

export const layerAgentKeyRotation = Layer.effectDiscard(
  Effect.gen(function* () {
    const { reader } = yield* Database
    const sessions = yield* AgentSessions
    /** When each was asked last: an answer takes an entry of the log. */
    const asked = new Map<AgentId, number>()
    let waiting: ReadonlyArray<AgentId> = []

    const isDue = (agentId: AgentId, beforeMillis: number | null, nowMillis: number): boolean => {
      const askedAt = asked.get(agentId)
      if (askedAt !== undefined && nowMillis - askedAt < Duration.toMillis(Limits.keys.agentAskedAgain)) return false
      const rotatedAtMillis = millisOf(agentKeyTime(reader, agentId))
      return isAgentKeyDue(
        { agentId, rotatedAtMillis, beforeMillis },
        Duration.toMillis(Limits.keys.agentKeyAge),
        nowMillis
      )
    }

    const ask = Effect.fnUntraced(function* (agentId: AgentId, nowMillis: number) {
      const keys = agentKeys(reader, agentId)
      if (keys === undefined) return
      asked.set(agentId, nowMillis)
      const session = sessions.known.get(agentId)?.seat?.session
      yield* session?.announce({ _tag: "RotateKey", key_id: keys.primary.key_id }) ?? Effect.void
    })

    /** All that are connected, once around, some at a time. */
    const some = (): ReadonlyArray<AgentId> => {
      if (waiting.length === 0) {
        waiting = [...sessions.known.entries()].flatMap(([id, { seat }]) => (seat === null ? [] : [id]))
        for (const id of asked.keys()) if (sessions.known.get(id)?.connected !== true) asked.delete(id)
      }
      const now = waiting.slice(0, Limits.keys.agentsLookedAtPerSecond)
      waiting = waiting.slice(now.length)
      return now
    }

    const look = Effect.gen(function* () {
      if (clusterVersion(reader) < 4) return
      const nowMillis = yield* Clock.currentTimeMillis
      const beforeMillis = millisOf(agentKeysBefore(reader)) ?? null
      const seen = some()
      const due = seen.filter((agentId) => isDue(agentId, beforeMillis, nowMillis))
      const chosen = due.slice(0, Limits.keys.agentsRotatedPerSecond)
      // Those that have to wait are the first of the next second.
      waiting = [...due.slice(chosen.length), ...waiting]
      yield* Effect.forEach(chosen, (agentId) => ask(agentId, nowMillis), { discard: true })
    })
    yield* Effect.forkScoped(Effect.repeat(look, Schedule.spaced("1 second")))
  })
)
