/** Virtual hosts: what they refer to must exist in their workspace, and no agent may get two that clash. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import { scopeOf } from "@nxmesh/protocol/model/Access"
import { builtInTemplateNames } from "@nxmesh/protocol/model/Template"
import { virtualHostProblems } from "@nxmesh/protocol/model/VirtualHost"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import type { ContentOf, Kind, ResourceOf } from "../Kinds.ts"
import { findResource, findResourceBy } from "../Resources.ts"
import { putClashKeys, removeClashKeys, requireHostFits } from "./ClashCheck.ts"
import { requirePermission } from "./Permissions.ts"
import { putReferences, virtualHostReferences } from "./References.ts"
import { refuseFields } from "./Refusal.ts"
import { erase, replaced, required, requireWorkspace, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"
import { addVersion } from "./Versions.ts"

type Content = ContentOf<"virtual_host">

const requireReferences = ({ connection }: Transaction, host: Content): void => {
  const details: Array<ErrorDetail> = []
  const inWorkspace = (kind: Kind & ("certificate" | "upstream" | "agent"), id: string, field: string) => {
    if (findResource(connection, kind, id)?.workspace_id !== host.workspace_id) {
      details.push({ field, message: `names no ${kind} of this workspace` })
    }
  }
  if (host.ssl_certificate_id !== null) inWorkspace("certificate", host.ssl_certificate_id, "ssl_certificate_id")
  host.locations.forEach(({ upstream_id }, index) => {
    if (upstream_id !== null) inWorkspace("upstream", upstream_id, `locations[${index}].upstream_id`)
  })
  if (host.target_agents.scope === "agents") {
    host.target_agents.agent_ids.forEach((id, index) => inWorkspace("agent", id, `target_agents.agent_ids[${index}]`))
  }
  if (
    !builtInTemplateNames.some((name) => name === host.template) &&
    findResourceBy(connection, "template", { workspace_id: host.workspace_id, name: host.template }) === undefined
  ) {
    details.push({ field: "template", message: "names neither a built-in template nor one of this workspace" })
  }
  details.push(...virtualHostProblems(host))
  if (details.length > 0) refuseFields(details)
}

/** Raw directives that are new in this save; those that stay need no permission to stay. */
export const addsSnippet = (before: Content | undefined, after: Content): boolean => {
  const known = new Set(before === undefined ? [] : [before.snippet, ...before.locations.map(({ snippet }) => snippet)])
  return [after.snippet, ...after.locations.map(({ snippet }) => snippet)].some(
    (snippet) => snippet !== null && !known.has(snippet)
  )
}

/** Only these decide whether two hosts clash on an agent. */
const clashFields = (host: Content): string =>
  JSON.stringify([
    host.enabled,
    host.server_name,
    host.listen_port,
    host.listen_ipv6,
    host.ssl_enabled,
    host.redirect_http,
    host.http2_enabled,
    host.http3_enabled,
    host.real_ip,
    host.target_agents
  ])

export const saveVirtualHost = (tx: Transaction, command: CommandOf<"SaveVirtualHost">): Applied => {
  const content: Content = command.virtual_host
  const before = replaced(tx, "virtual_host", content.id, command)
  const workspace = requireWorkspace(tx, content.workspace_id, before)
  if (addsSnippet(before, content)) {
    requirePermission(tx, "config:snippet", scopeOf({ ...workspace, workspace_id: workspace.id }))
  }
  requireReferences(tx, content)
  const { after, changed } = write(tx, "virtual_host", before, content)
  if (changed) {
    putReferences(tx.connection, "virtual_host", after.id, virtualHostReferences(after))
    if (before === undefined || clashFields(before) !== clashFields(after)) {
      putClashKeys(tx, after, workspace)
      requireHostFits(tx, after)
    }
    addVersion(tx, "virtual_host", after.id, command, after)
  }
  const place = { organization_id: workspace.organization_id, workspace_id: workspace.id }
  return {
    value: after,
    events: changed ? [resourceChanged("virtual_host", after.id, command.mode, place)] : [],
    audit: { kind: "virtual_host", id: after.id, before: before ?? null, after }
  }
}

export const deleteVirtualHost = (tx: Transaction, command: CommandOf<"DeleteVirtualHost">): Applied => {
  const before: ResourceOf<"virtual_host"> = required(tx, "virtual_host", command.id, command.if_match)
  erase(tx, "virtual_host", command.id)
  putReferences(tx.connection, "virtual_host", command.id, [])
  removeClashKeys(tx.connection, command.id)
  addVersion(tx, "virtual_host", command.id, command, null)
  const workspace = findResource(tx.connection, "workspace", before.workspace_id)
  const place = { organization_id: workspace?.organization_id, workspace_id: before.workspace_id }
  return {
    value: null,
    events: [resourceChanged("virtual_host", command.id, "delete", place)],
    audit: { kind: "virtual_host", id: command.id, before, after: null }
  }
}
