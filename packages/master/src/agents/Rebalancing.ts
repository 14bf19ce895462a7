/**
 * Which agents a master sends back to the master that they prefer, when it holds clearly more than its share: after
 * another master returned. Masters decide it, not agents, because they know who lives: an agent moves once, and a master
 * that is down costs nobody an attempt. Pure.
 */
import type { AgentId } from "@nxmesh/protocol/Ids"
import { preferredOrder } from "@nxmesh/protocol/link/MasterPreference"

export interface RebalancePolicy {
  /** Above its share times this, and `slack` more, a master holds clearly more. */
  readonly toleranceFactor: number
  readonly slack: number
  /** A master has to be well for this long before agents are sent to it. */
  readonly steadyMillis: number
  /** An agent is sent away at most once in this time: it may have reasons to be here. */
  readonly patienceMillis: number
  /** In one go. */
  readonly agentsMax: number
}

export interface HoldingMaster {
  /** As agents rank it. */
  readonly address: string
  readonly sessions: number
  /** `null`: it does not answer, or takes no agents. */
  readonly steadySinceMillis: number | null
}

export interface HeldAgent {
  readonly id: AgentId
  /** False for an agent whose version of the link ranks no masters: it would go anywhere. */
  readonly ranks: boolean
  readonly dismissedAtMillis: number | null
}

export const agentsToSendHome = (
  policy: RebalancePolicy,
  self: { readonly address: string; readonly sessions: number },
  others: ReadonlyArray<HoldingMaster>,
  held: Iterable<HeldAgent>,
  nowMillis: number
): ReadonlyArray<AgentId> => {
  const well = others.filter(
    ({ steadySinceMillis }) => steadySinceMillis !== null && nowMillis - steadySinceMillis >= policy.steadyMillis
  )
  if (well.length === 0) return []
  const share = well.reduce((sum, { sessions }) => sum + sessions, self.sessions) / (well.length + 1)
  if (self.sessions <= share * policy.toleranceFactor + policy.slack) return []
  const excess = Math.min(policy.agentsMax, Math.floor(self.sessions - share))
  const addresses = [self.address, ...well.map(({ address }) => address)]
  const home: Array<AgentId> = []
  for (const { dismissedAtMillis, id, ranks } of held) {
    if (home.length >= excess) break
    const isSentBefore = dismissedAtMillis !== null && nowMillis - dismissedAtMillis < policy.patienceMillis
    if (ranks && !isSentBefore && preferredOrder(id, addresses)[0] !== self.address.toLowerCase()) home.push(id)
  }
  return home
}
