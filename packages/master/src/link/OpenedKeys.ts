/**
 * The opened keys of agents that call: an agent signs every call, and to read and open its key each time costs more than
 * the call. Nothing here is older than the state: what has changed is forgotten before a key is given out.
 */
import type { AgentKeys } from "@nxmesh/core/crypto/CallSignature"
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Effect, Queue, type Scope } from "effect"
import { Limits } from "../Limits.ts"
import { Events } from "../state/Events.ts"

export interface OpenedKeys {
  /** `undefined` when they are not here. */
  readonly get: (agentId: AgentId) => AgentKeys
  /** Keeps what was read after `version` was, unless the agent changed since then. */
  readonly keep: (agentId: AgentId, keys: AgentKeys, version: number) => void
  readonly version: () => number
}

export const makeOpenedKeys: Effect.Effect<OpenedKeys, never, Events | Scope.Scope> = Effect.gen(function* () {
  const applied = yield* (yield* Events).subscribe
  /** The one used last comes last. */
  const opened = new Map<AgentId, NonNullable<AgentKeys>>()
  let version = 0

  const forget = (agentId: AgentId) => {
    version++
    opened.delete(agentId)
  }
  /** In one go, without waiting. */
  const takeIn = () => {
    if (Queue.sizeUnsafe(applied) === 0) return
    for (const { event } of Effect.runSync(Queue.clear(applied))) {
      if (event._tag === "AgentRemoved") forget(event.agent_id)
      if (event._tag === "ResourceChanged" && event.kind === "agent") forget(event.id as AgentId)
      if (event._tag !== "StateReset") continue
      version++
      opened.clear()
    }
  }
  // Also while no agent calls, so that the queue does not fill.
  yield* Queue.peek(applied).pipe(Effect.andThen(Effect.sync(takeIn)), Effect.forever, Effect.forkScoped)

  return {
    get: (agentId) => {
      takeIn()
      const keys = opened.get(agentId)
      if (keys === undefined) return undefined
      opened.delete(agentId)
      opened.set(agentId, keys)
      return keys
    },
    keep: (agentId, keys, readAt) => {
      takeIn()
      if (keys === undefined || readAt !== version) return
      opened.set(agentId, keys)
      const [oldest] = opened.keys()
      if (opened.size > Limits.link.connectionsMax && oldest !== undefined) opened.delete(oldest)
    },
    version: () => {
      takeIn()
      return version
    }
  }
})
