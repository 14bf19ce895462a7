/** Agents as people set them, and the facts that they report. */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import { findResource } from "../Resources.ts"
import { forgetActions } from "./ActionRows.ts"
import { requireAgentFits } from "./ClashCheck.ts"
import { forgetAgentKey } from "./Keys.ts"
import { requireUnreferenced } from "./References.ts"
import { erase, replaced, required, requireUnique, requireWorkspace, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

/** Whose an agent is, for its events. */
export const agentPlace = ({ connection }: Transaction, agent: StoredAgent) => ({
  workspace_id: agent.workspace_id,
  organization_id: findResource(connection, "workspace", agent.workspace_id)?.organization_id
})

export const saveAgent = (tx: Transaction, command: CommandOf<"SaveAgent">): Applied => {
  const before = replaced(tx, "agent", command.agent.id, command)
  const workspace = requireWorkspace(tx, command.agent.workspace_id, before)
  requireUnique(tx, "agent", command.agent.id, "name", {
    workspace_id: command.agent.workspace_id,
    name: command.agent.name
  })
  const relabelled = before === undefined || canonicalJson(before.labels) !== canonicalJson(command.agent.labels)
  const { after, changed } = write(tx, "agent", before, {
    ...command.agent,
    ...kept(before, command.agent.maintenance),
    facts: before?.facts ?? null,
    ip_address: before?.ip_address ?? null,
    enrolled_at: before?.enrolled_at ?? null
  })
  if (relabelled) requireAgentFits(tx, after, workspace)
  const events: Array<Event> = []
  if (changed) events.push(resourceChanged("agent", after.id, command.mode, agentPlace(tx, after)))
  if (relabelled) events.push({ _tag: "BundlesChanged", agent_ids: [after.id] })
  return { value: after, events, audit: { kind: "agent", id: after.id, before: before ?? null, after } }
}

/** What actions left on the agent. Why it is in maintenance goes with the maintenance. */
const kept = (before: StoredAgent | undefined, maintenance: boolean) => ({
  ...(maintenance && before?.maintenance_reason !== undefined ? { maintenance_reason: before.maintenance_reason } : {}),
  ...(before?.nginx_stopped === undefined ? {} : { nginx_stopped: before.nginx_stopped })
})

/** What belongs to an agent alone goes with it. */
const ownedTables = ["enrolment_tokens", "agent_keys", "deployments", "serving_generations", "agent_claims"] as const

export const deleteAgent = (tx: Transaction, command: CommandOf<"DeleteAgent">): Applied => {
  const before = required(tx, "agent", command.id, command.if_match)
  requireUnreferenced(tx, "delete the agent", [{ kind: "agent", id: command.id }])
  const where = agentPlace(tx, before)
  erase(tx, "agent", command.id)
  for (const table of ownedTables) tx.connection.run(`DELETE FROM ${table} WHERE agent_id = ?`, command.id)
  forgetActions(tx.connection, command.id)
  forgetAgentKey(tx, command.id)
  return {
    value: null,
    events: [resourceChanged("agent", command.id, "delete", where), { _tag: "AgentRemoved", agent_id: command.id }],
    audit: { kind: "agent", id: command.id, before, after: null }
  }
}

/** Facts come with every connection and mostly say nothing new: then nothing is written and no one is told. */
export const recordAgentFacts = (tx: Transaction, command: CommandOf<"RecordAgentFacts">): Applied => {
  const before = required(tx, "agent", command.agent_id)
  const { after, changed } = write(tx, "agent", before, {
    ...before,
    facts: command.facts,
    ip_address: command.ip_address
  })
  return {
    value: after,
    events: changed ? [resourceChanged("agent", after.id, "update", agentPlace(tx, after))] : [],
    audit: null
  }
}
