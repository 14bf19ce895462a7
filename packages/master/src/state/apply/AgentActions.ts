/** What people ask of agents at once (AF-001): the wish is in the log before the effect, the outcome after it (rule 8). */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import { type ActionRecord, type ActionRequest, actionPermission, succeeded } from "@nxmesh/protocol/model/ActionRecord"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import { principalName } from "@nxmesh/protocol/Principal"
import { scopeOfResource } from "../ResourceScope.ts"
import { findResource } from "../Resources.ts"
import { addAction, findAction, type Maintenance, replaceAction } from "./ActionRows.ts"
import { agentPlace } from "./Agents.ts"
import { requirePermission } from "./Permissions.ts"
import { refuse, refuseFields } from "./Refusal.ts"
import { required, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

/** A person's name for others to read; of what is no person, what the audit calls it. */
const nameOf = ({ connection }: Transaction, principal: string): string =>
  findResource(connection, "user", principal)?.name ?? principal

const holdReasons = {
  asked: (id: string, by: string) => `a rollback to deployment ${id} was asked for by ${by}`,
  done: (id: string, by: string) =>
    `rolled back to deployment ${id} by ${by}: nothing is deployed until maintenance ends`
} as const

/** The agent with this changed. What is `undefined` goes. */
const changeAgent = (
  tx: Transaction,
  agent: StoredAgent,
  fields: { readonly [Name in "maintenance" | "maintenance_reason" | "nginx_stopped"]?: StoredAgent[Name] | undefined }
): ReadonlyArray<Event> => {
  const content: Record<string, unknown> = { ...agent, ...fields }
  for (const [name, value] of Object.entries(fields)) if (value === undefined) delete content[name]
  const { after, changed } = write(tx, "agent", agent, content as unknown as StoredAgent)
  return changed ? [resourceChanged("agent", after.id, "update", agentPlace(tx, after))] : []
}

/** What the master does of it at once, in this entry. */
interface AtOnce {
  readonly events: ReadonlyArray<Event>
  readonly undo: Maintenance | null
  /** Of what needs no agent. */
  readonly answer?: Pick<ActionRecord, "message" | "status">
}

const nothing: AtOnce = { events: [], undo: null }

const endMaintenance = (tx: Transaction, agent: StoredAgent): AtOnce => ({
  ...nothing,
  events: changeAgent(tx, agent, { maintenance: false, maintenance_reason: undefined }),
  answer: agent.maintenance
    ? { status: "done", message: "the maintenance has ended: the agent is given what it should have" }
    : { status: "unchanged", message: "the agent is not in maintenance" }
})

const atOnce = (tx: Transaction, agent: StoredAgent, request: ActionRequest): AtOnce => {
  const by = nameOf(tx, principalName(tx.principal))
  switch (request.action) {
    case "maintenance_on": {
      const reason = request.reason === null ? `put in maintenance by ${by}` : `${request.reason} (${by})`
      return {
        ...nothing,
        events: changeAgent(tx, agent, { maintenance: true, maintenance_reason: reason }),
        answer: agent.maintenance
          ? { status: "unchanged", message: "the agent is in maintenance already; the reason is noted" }
          : { status: "done", message: "nothing is deployed to the agent until maintenance ends" }
      }
    }
    case "maintenance_off":
      return endMaintenance(tx, agent)
    case "rollback": {
      // Or the agent would be given what it should have, as soon as it serves something else.
      const maintenance_reason = holdReasons.asked(request.deployment_id, by)
      const events = changeAgent(tx, agent, { maintenance: true, maintenance_reason })
      const { maintenance } = agent
      return { events, undo: { maintenance, maintenance_reason: agent.maintenance_reason ?? null } }
    }
    default:
      return nothing
  }
}

/** Which deployments the agent still keeps it knows itself; whose they are is known here. */
const requireOwnDeployment = ({ connection }: Transaction, agent: StoredAgent, request: ActionRequest): void => {
  if (request.action !== "rollback") return
  const deployment = connection.get<{ readonly agent_id: string }>(
    "SELECT agent_id FROM deployments WHERE id = ?",
    request.deployment_id
  )
  if (deployment !== undefined && deployment.agent_id !== agent.id) {
    refuseFields([{ field: "deployment_id", message: "is a deployment of another agent" }])
  }
}

export const requestAgentAction = (tx: Transaction, command: CommandOf<"RequestAgentAction">): Applied => {
  const { agent_id, id, request } = command
  const { connection, index, timestamp } = tx
  const agent = required(tx, "agent", agent_id)
  requirePermission(tx, actionPermission(request.action), scopeOfResource(connection, "agent", agent))
  if (findAction(connection, id) !== undefined) refuse("CONFLICT", `there is already an action ${id}`)
  requireOwnDeployment(tx, agent, request)
  const { answer, events, undo } = atOnce(tx, agent, request)
  const at = answer === undefined ? null : timestamp
  const record: ActionRecord = {
    id,
    agent_id,
    workspace_id: agent.workspace_id,
    action: request.action,
    deployment_id: request.action === "rollback" ? request.deployment_id : null,
    requested_by: principalName(tx.principal),
    requested_at: timestamp,
    status: answer?.status ?? "pending",
    message: answer?.message ?? null,
    started_at: at,
    finished_at: at,
    errors: []
  }
  addAction(connection, { record, undo }, index)
  return {
    value: record,
    events: answer === undefined ? [...events, { _tag: "AgentActionRequested", agent_id }] : events,
    audit: { kind: "agent", id: agent_id, before: null, after: { action: record } }
  }
}

/** What the outcome says of the agent beyond itself. */
const consequences = (tx: Transaction, record: ActionRecord, undo: Maintenance | null): ReadonlyArray<Event> => {
  const agent = findResource(tx.connection, "agent", record.agent_id)
  if (agent === undefined) return []
  const by = nameOf(tx, record.requested_by)
  switch (record.action) {
    case "stop":
      return succeeded(record) ? changeAgent(tx, agent, { nginx_stopped: { by, at: tx.timestamp } }) : []
    case "start":
    case "restart":
      return succeeded(record) ? changeAgent(tx, agent, { nginx_stopped: undefined }) : []
    case "reload":
    case "upgrade_binary":
      // Only a running nginx does these.
      return record.status === "done" ? changeAgent(tx, agent, { nginx_stopped: undefined }) : []
    case "rollback": {
      const asked = holdReasons.asked(record.deployment_id ?? "", by)
      // Somebody has said something else of the agent since.
      if (!agent.maintenance || agent.maintenance_reason !== asked) return []
      if (succeeded(record)) {
        return changeAgent(tx, agent, { maintenance_reason: holdReasons.done(record.deployment_id ?? "", by) })
      }
      // Nothing was tried: the agent is as before. After a failure a person should look first.
      if (record.status !== "refused" || undo === null) return []
      return changeAgent(tx, agent, { ...undo, maintenance_reason: undo.maintenance_reason ?? undefined })
    }
    default:
      return []
  }
}

/** The first answer counts; one of an action that is not asked for any more, or of another agent, is passed over. */
export const recordAgentAction = (tx: Transaction, command: CommandOf<"RecordAgentAction">): Applied => {
  const { agent_id, outcome } = command
  const found = findAction(tx.connection, outcome.action_id)
  if (found === undefined || found.record.agent_id !== agent_id || found.record.status !== "pending") {
    return { value: null, events: [], audit: null }
  }
  const { action_id, ...answer } = outcome
  const record: ActionRecord = { ...found.record, ...answer }
  replaceAction(tx.connection, record)
  return {
    value: record,
    events: [...consequences(tx, record, found.undo), { _tag: "AgentActionEnded", agent_id, action_id }],
    audit: { kind: "agent", id: agent_id, before: { action: found.record }, after: { action: record } }
  }
}
