/** What of an applied event a watcher gets to see. Pure. */
import type { WatchedKind, WatchEvent } from "@nxmesh/protocol/api/WatchApi"
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import type { OrganizationId } from "@nxmesh/protocol/Ids"
import { type Access, allows, scopeOf } from "@nxmesh/protocol/model/Access"
import type { Permission } from "@nxmesh/protocol/model/Permission"

const neededToRead: Readonly<Record<WatchedKind, Permission>> = {
  settings: "cluster:read",
  organization: "organization:read",
  workspace: "workspace:read",
  agent: "agent:read",
  enrolment_token: "agent:write",
  user: "user:read",
  role: "access:read",
  group: "access:read",
  role_binding: "access:read",
  service_account: "access:read",
  api_key: "access:read",
  master: "cluster:read",
  join_token: "cluster:write",
  virtual_host: "config:read",
  upstream: "config:read",
  certificate: "certificate:read",
  template: "config:read",
  alert_rule: "alert:read",
  alert_silence: "alert:read",
  alert: "alert:read",
  webhook: "alert:read",
  deployment: "config:read"
}

/** `null` for what is of no use outside, or not for them to know. `organizationId`: of an event that names a workspace alone. */
export const watchable = (
  { event, index }: AppliedEvent,
  access: Access,
  organizationId: OrganizationId | null
): WatchEvent | null => {
  const seen = watchEvent(event, index)
  if (seen === null) return null
  const { kind, workspace_id } = seen
  const scope = scopeOf({ organization_id: seen.organization_id ?? organizationId, workspace_id })
  return allows(access, neededToRead[kind], scope) ? seen : null
}

const watchEvent = (event: AppliedEvent["event"], index: number): WatchEvent | null => {
  switch (event._tag) {
    case "ResourceChanged": {
      const { id, kind, operation, organization_id, workspace_id } = event
      return { index, kind, id, operation, organization_id, workspace_id }
    }
    case "DeploymentRecorded": {
      const { id, workspace_id } = event.deployment
      return { index, kind: "deployment", id, operation: "create", organization_id: null, workspace_id }
    }
    default:
      return null
  }
}
