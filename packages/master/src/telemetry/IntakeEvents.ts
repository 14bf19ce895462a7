/** What a store itself has to tell about what it took. Pure. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { NewEvent } from "./TelemetryStore.ts"

interface Where {
  readonly agentId: AgentId
  readonly outboxId: string
  readonly atMillis: number
}

const about = ({ agentId, atMillis }: Where) => ({ atMillis, agentId, workspaceId: null, organizationId: null })

/** `before` and `after`: what the agent's outbox had dropped when this store heard of it last, and now. */
export const droppedEvent = (where: Where, before: number, after: number): NewEvent => ({
  ...about(where),
  key: `reports_dropped:${where.agentId}:${where.outboxId}:${after}`,
  kind: "reports_dropped",
  text: `the agent's outbox was full or could not be written: ${after - before} reports of health, metrics or logs are lost`,
  data: { reports: after - before }
})

export const undecodableEvent = (where: Where, through: number, reports: number): NewEvent => ({
  ...about(where),
  key: `reports_undecodable:${where.agentId}:${where.outboxId}:${through}`,
  kind: "reports_undecodable",
  text: `${reports} reports of the agent could not be understood, and are left out: run the same version on masters and agents`,
  data: { reports }
})
