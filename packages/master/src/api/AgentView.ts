/** Agents as they are answered: what is stored, what the session knows, what they should serve and do serve. */
import type { Agent } from "@nxmesh/protocol/model/Agent"
import { effectivePolicy } from "@nxmesh/protocol/model/AgentPolicy"
import { Effect } from "effect"
import { agentState } from "../agents/AgentStates.ts"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import type { ResourceOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { LiveAgents } from "./LiveAgents.ts"
import { notFound } from "./Refusal.ts"

type Stored = ResourceOf<"agent">

const desiredBy = Effect.fnUntraced(function* (stored: Stored) {
  return yield* Effect.orElseSucceed((yield* ConfigEngine).generation(stored.id), () => undefined)
})

/** State alone, for filters: what an agent should serve is asked for only where it matters, after a failure. */
export const derivedState = Effect.fnUntraced(function* (stored: Stored) {
  const presence = yield* (yield* LiveAgents).presence(stored.id)
  const last = yield* (yield* Reads).lastDeployment(stored.id)
  const desired = last === undefined || last.status === "settled" ? undefined : yield* desiredBy(stored)
  return { presence, quarantined: last?.quarantined, ...agentState(stored, presence, last, desired) }
})

export const agentView = Effect.fnUntraced(function* (stored: Stored) {
  const { presence, quarantined, reason, state } = yield* derivedState(stored)
  const desired = yield* desiredBy(stored)
  if (desired === undefined) return yield* Effect.fail(notFound("agent", stored.id))
  const { enrolled_at: _enrolled, facts, policy = {}, ...agent } = stored
  const workspace = yield* (yield* Reads).get("workspace", stored.workspace_id)
  const view: Agent = {
    ...agent,
    policy,
    effective_policy: effectivePolicy(workspace?.agent_policy ?? {}, policy),
    maintenance_reason: agent.maintenance_reason ?? null,
    nginx_stopped: agent.nginx_stopped ?? null,
    hostname: facts?.hostname ?? null,
    version: facts?.version ?? null,
    nginx_version: facts?.nginx?.version ?? null,
    state,
    state_reason: reason,
    deployment_mode: facts?.deployment_mode ?? null,
    last_seen_at: presence?.lastSeenAt ?? null,
    health: presence?.health ?? null,
    capabilities: facts?.capabilities ?? [],
    desired_generation: desired,
    // The agent's own word; the record answers for one that this master has not met since it started.
    serving_generation: presence?.serving ?? (yield* (yield* Reads).servingGeneration(stored.id)) ?? null,
    quarantined: quarantined ?? []
  }
  return view
})
