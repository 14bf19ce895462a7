/** Which master holds an agent's newest connection (design-cluster.md 16). */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Limits } from "../../Limits.ts"
import { agentClaim } from "../ReadCluster.ts"
import { findResource } from "../Resources.ts"
import { refuse } from "./Refusal.ts"
import { required } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

/**
 * The highest connection epoch wins; of two with the same epoch the later entry, as an agent that forgot its epoch is
 * where it connected last. Answers which claims lost: their connections are older than one elsewhere. An agent that no
 * longer exists is passed over, so that there are never more claims than agents.
 */
export const claimAgents = (tx: Transaction, command: CommandOf<"ClaimAgents">): Applied => {
  const { claims, incarnation, master_id } = command
  const { connection, index } = tx
  required(tx, "master", master_id)
  if (claims.length > Limits.state.claimsPerCommandMax) {
    refuse("UNPROCESSABLE", `at most ${Limits.state.claimsPerCommandMax} agents can be claimed by one command`)
  }
  const won = new Set<AgentId>()
  const lost = new Set<AgentId>()
  for (const { agent_id, connection_epoch } of claims) {
    if (findResource(connection, "agent", agent_id) === undefined) continue
    const held = agentClaim(connection, agent_id)
    if (held !== undefined && held.connection_epoch > connection_epoch) {
      if (!won.has(agent_id)) lost.add(agent_id)
      continue
    }
    connection.run(
      `INSERT OR REPLACE INTO agent_claims (agent_id, master_id, incarnation, connection_epoch, entry)
       VALUES (?, ?, ?, ?, ?)`,
      agent_id,
      master_id,
      incarnation,
      connection_epoch,
      index
    )
    lost.delete(agent_id)
    won.add(agent_id)
  }
  return {
    value: { claimed: [...won], lost: [...lost] },
    events: won.size === 0 ? [] : [{ _tag: "AgentsClaimed", agent_ids: [...won], master_id, incarnation }],
    audit: null
  }
}
