/** Whose a row of the audit is: an organization's auditor sees the rows of it alone. */
import type { Command } from "@nxmesh/protocol/Command"
import { type Kind, tables } from "../Kinds.ts"
import { findResource } from "../Resources.ts"
import type { AuditSubject, Transaction } from "./Transaction.ts"

export interface AuditPlace {
  readonly organization_id: string | null
  readonly workspace_id: string | null
}

/** Of the installation as a whole: for those alone who may read the audit of all. */
const nowhere: AuditPlace = { organization_id: null, workspace_id: null }

const text = (value: unknown, field: string): string | null => {
  if (typeof value !== "object" || value === null) return null
  const found = (value as Readonly<Record<string, unknown>>)[field]
  return typeof found === "string" ? found : null
}

const ofWorkspace = ({ connection }: Transaction, id: string): AuditPlace => {
  const workspace = findResource(connection, "workspace", id)
  return { organization_id: workspace?.organization_id ?? null, workspace_id: id }
}

const ofAgent = (tx: Transaction, id: string): AuditPlace | null => {
  const agent = findResource(tx.connection, "agent", id)
  return agent === undefined ? null : ofWorkspace(tx, agent.workspace_id)
}

/** What a value says of its own place. */
const ofValue = (tx: Transaction, value: unknown): AuditPlace | null => {
  const workspace = text(value, "workspace_id")
  if (workspace !== null) return ofWorkspace(tx, workspace)
  const organization = text(value, "organization_id")
  if (organization !== null) return { organization_id: organization, workspace_id: null }
  const agent = text(value, "agent_id")
  if (agent !== null) return ofAgent(tx, agent)
  const user = text(value, "user_id")
  return user === null ? null : ofStored(tx, "user", user)
}

const ofStored = (tx: Transaction, kind: string, id: string): AuditPlace | null =>
  Object.hasOwn(tables, kind) ? ofValue(tx, findResource(tx.connection, kind as Kind, id)) : null

/** The resource that a command brings, as in `SaveUpstream.upstream`, or the command itself. */
const ofCommand = (tx: Transaction, command: Command): AuditPlace | null => {
  for (const value of [command, ...Object.values(command)]) {
    const place = ofValue(tx, value)
    if (place !== null) return place
  }
  return null
}

/** Of a workspace its own id counts, which may be gone by now. */
const ofTenant = (tx: Transaction, { after, before, id, kind }: AuditSubject): AuditPlace | null => {
  if (kind === "organization") return { organization_id: id, workspace_id: null }
  if (kind !== "workspace") return null
  const organization = text(after, "organization_id") ?? text(before, "organization_id")
  return { organization_id: organization ?? ofWorkspace(tx, id).organization_id, workspace_id: id }
}

/** Follows from the state and the entry alone. */
export const auditPlace = (tx: Transaction, command: Command, subject: AuditSubject | null): AuditPlace => {
  if (subject === null) return ofCommand(tx, command) ?? nowhere
  return (
    subject.place ??
    ofTenant(tx, subject) ??
    ofValue(tx, subject.after) ??
    ofValue(tx, subject.before) ??
    ofStored(tx, subject.kind, subject.id) ??
    ofCommand(tx, command) ??
    nowhere
  )
}
