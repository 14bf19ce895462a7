/**
 * The agents that this master has met since it started: who is connected, and what each last said of itself. Every
 * change has a number, so that another master can ask for what is new. Nothing here survives the process; agents report
 * again when they connect.
 */
import type { AgentId, Generation } from "@nxmesh/protocol/Ids"
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import type { AgentSession } from "./AgentSession.ts"
import type { Failure } from "./RetryPolicy.ts"

/** What is known of an agent by its sessions with this master. */
export interface AgentLiveness {
  readonly connected: boolean
  /** ISO 8601. */
  readonly lastSeenAt: string
  readonly health: HealthReport | null
  /** What the agent last said that it serves; what it reports of a deployment counts once that is recorded. */
  readonly serving: Generation | null
}

/** An agent's newest session, for as long as its connection lasts. */
export interface Seat {
  readonly session: AgentSession
  /** The version of the link that both sides speak. */
  readonly protocol: number
  /** Ends the connection. */
  readonly close: (why: "superseded" | "elsewhere") => void
}

export interface KnownAgent extends AgentLiveness {
  readonly seat: Seat | null
  readonly connectionEpoch: number
  /** Not connected because this master sent it to another one. */
  readonly moving: boolean
  /** When this master last sent it away, so that it does not do so again soon; milliseconds since 1970. */
  readonly dismissedAtMillis: number | null
  readonly failure: Failure | null
  /** Grows with every change of any agent. */
  readonly sequence: number
}

const neverSeen = {
  connected: false,
  health: null,
  serving: null,
  seat: null,
  connectionEpoch: 0,
  moving: false,
  dismissedAtMillis: null,
  failure: null
}

export class KnownAgents {
  #sequence = 0
  #sessions = 0
  readonly #known = new Map<AgentId, KnownAgent>()

  get(agentId: AgentId): KnownAgent | undefined {
    return this.#known.get(agentId)
  }

  /** A sign of life, and what it changes. */
  seen(agentId: AgentId, lastSeenAt: string, fields: Partial<KnownAgent> = {}): void {
    const before = this.#known.get(agentId) ?? neverSeen
    const after = { ...before, ...fields, lastSeenAt, sequence: ++this.#sequence }
    this.#sessions += Number(after.connected) - Number(before.connected)
    this.#known.set(agentId, after)
  }

  forget(agentId: AgentId): void {
    if (this.#known.get(agentId)?.connected === true) this.#sessions--
    this.#known.delete(agentId)
  }

  entries(): Iterable<readonly [AgentId, KnownAgent]> {
    return this.#known
  }

  ids(): Iterable<AgentId> {
    return this.#known.keys()
  }

  /** Of the newest change. */
  sequence(): number {
    return this.#sequence
  }

  /** Agents that are connected. */
  sessions(): number {
    return this.#sessions
  }

  /** At most so many agents that changed after `sequence`, the longest ago first, and whether there are more. */
  changedSince(sequence: number, max: number) {
    const changed = [...this.#known].filter(([, agent]) => agent.sequence > sequence)
    const agents = changed.toSorted(([, a], [, b]) => a.sequence - b.sequence).slice(0, max)
    return { agents, more: changed.length > max, sequence: agents.at(-1)?.[1].sequence ?? this.#sequence }
  }
}
