/**
 * Where an agent is and how it was last seen, judged by what this master and the others say. Pure. An agent is not called
 * offline while it may just be on its way from one master to another.
 */
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { AgentSighting } from "@nxmesh/protocol/peer/AgentMessage"
import type { AgentClaim } from "../state/ReadCluster.ts"

/** One master's word about the agent. */
export interface Sighting extends Omit<AgentSighting, "agent_id"> {
  readonly masterId: MasterId
  /** When this master heard it, by its own clock. */
  readonly heardAtMillis: number
  /** Until when its word counts: a master that died no longer has the agents that it had. */
  readonly countsUntilMillis: number
}

/** What is known of a master that may hold agents. */
export interface MasterKnown {
  readonly incarnation: string
  readonly firstAnsweredAtMillis: number
  readonly answeredAtMillis: number
}

export interface Evidence {
  readonly nowMillis: number
  readonly graceMillis: number
  readonly self: { readonly id: MasterId; readonly incarnation: string; readonly startedAtMillis: number }
  readonly sightings: ReadonlyArray<Sighting>
  /** What the replicated state says of its newest connection. */
  readonly claim: AgentClaim | undefined
  /** `undefined` for a master that has not answered since this one started. */
  readonly master: (id: MasterId) => MasterKnown | undefined
}

export interface Whereabouts {
  /** Connected, or on its way: not offline. */
  readonly present: boolean
  /** The master that holds its connection; `null` when none is known to. */
  readonly at: MasterId | null
  /** The newest word about it; `null` when no master has seen it since it started. */
  readonly newest: Sighting | null
}

const newer = (a: Sighting, b: Sighting): Sighting => {
  if (a.connection_epoch !== b.connection_epoch) return a.connection_epoch > b.connection_epoch ? a : b
  if (a.connected !== b.connected) return a.connected ? a : b
  return a.last_seen_at >= b.last_seen_at ? a : b
}

/** Until when the agent may still be where the claim says, or on its way from there; `null` when nothing speaks for it. */
const claimCountsUntil = (claim: AgentClaim, { graceMillis, master, self }: Evidence): number | null => {
  if (claim.master_id === self.id) {
    // Of the process before this one: its agents come back, here or elsewhere.
    return claim.incarnation === self.incarnation ? null : self.startedAtMillis + graceMillis
  }
  const holder = master(claim.master_id)
  if (holder === undefined) return self.startedAtMillis + graceMillis
  if (holder.incarnation !== claim.incarnation) return holder.firstAnsweredAtMillis + graceMillis
  // It answers, and does not have the agent: it knows. It does not answer: nobody knows yet.
  return holder.answeredAtMillis + graceMillis
}

export const judgeWhereabouts = (evidence: Evidence): Whereabouts => {
  const { graceMillis, nowMillis, sightings } = evidence
  const newest = sightings.length === 0 ? null : sightings.reduce(newer)
  if (newest !== null && newest.connected && nowMillis <= newest.countsUntilMillis) {
    return { present: true, at: newest.masterId, newest }
  }
  if (newest !== null && newest.moving && nowMillis <= newest.heardAtMillis + graceMillis) {
    return { present: true, at: null, newest }
  }
  const { claim } = evidence
  // What is newer than the claim, or of the same connection, knows better: the agent left, or its master is long dead.
  const contradicted = newest !== null && claim !== undefined && newest.connection_epoch >= claim.connection_epoch
  const until = claim === undefined || contradicted ? null : claimCountsUntil(claim, evidence)
  if (claim !== undefined && until !== null && nowMillis <= until) {
    const at = claim.master_id === evidence.self.id ? null : claim.master_id
    return { present: true, at, newest }
  }
  return { present: false, at: null, newest }
}
