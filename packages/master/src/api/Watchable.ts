/** What of an applied event a watcher gets to see. Pure. */
import type { WatchedKind, WatchEvent } from "@nxmesh/protocol/api/WatchApi"
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import { type Access, allowsSomewhere } from "@nxmesh/protocol/model/Access"
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

/** `null` for what is of no use outside, or not for them to know. */
export const watchable = ({ event, index }: AppliedEvent, access: Access): WatchEvent | null => {
  const seen = watchEvent(event, index)
  return seen !== null && allowsSomewhere(access, neededToRead[seen.kind]) ? seen : null
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
