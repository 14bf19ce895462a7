/** Who decides: a majority, or two at once while the configuration is joint (thesis 3.4, 4.3). */
import type { Configuration, Index, NodeId } from "./Types.ts"

export type VoteResult = "Won" | "Lost" | "Pending"

/**
 * The greatest number that a majority has reached. Nobody's majority has reached everything: an empty half of a joint
 * configuration does not hold the other one up.
 */
export const majorityReached = (voters: ReadonlyArray<NodeId>, reached: (id: NodeId) => number): number => {
  if (voters.length === 0) return Number.POSITIVE_INFINITY
  // By hand, since it runs in every step of a leader, and voters are few.
  const sorted: Array<number> = []
  for (const id of voters) {
    const value = reached(id)
    let at = sorted.length
    for (; at > 0 && (sorted[at - 1] ?? 0) < value; at--) sorted[at] = sorted[at - 1] ?? 0
    sorted[at] = value
  }
  return sorted[Math.floor(voters.length / 2)] ?? 0
}

/** Commit index, or confirmed round of heartbeats. With no voters at all nothing is ever reached. */
export const quorumReached = (configuration: Configuration, reached: (id: NodeId) => Index): Index => {
  const { voters, outgoing } = configuration
  if (voters.length === 0 && outgoing.length === 0) return 0
  return Math.min(majorityReached(voters, reached), majorityReached(outgoing, reached))
}

export const majorityVote = (voters: ReadonlyArray<NodeId>, votes: ReadonlyMap<NodeId, boolean>): VoteResult => {
  if (voters.length === 0) return "Won"
  let granted = 0
  let refused = 0
  for (const id of voters) {
    const vote = votes.get(id)
    if (vote === true) granted++
    if (vote === false) refused++
  }
  const needed = Math.floor(voters.length / 2) + 1
  if (granted >= needed) return "Won"
  return voters.length - refused < needed ? "Lost" : "Pending"
}

export const quorumVote = (configuration: Configuration, votes: ReadonlyMap<NodeId, boolean>): VoteResult => {
  if (configuration.voters.length === 0 && configuration.outgoing.length === 0) return "Lost"
  const incoming = majorityVote(configuration.voters, votes)
  const outgoing = majorityVote(configuration.outgoing, votes)
  if (incoming === "Lost" || outgoing === "Lost") return "Lost"
  return incoming === "Won" && outgoing === "Won" ? "Won" : "Pending"
}
