/** Asks the clash rules when a host or an agent is saved: refused when any agent would get hosts that clash. */
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { Workspace } from "@nxmesh/protocol/model/Organization"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import {
  clashesOfAgent,
  clashesOfHost,
  clashKeys,
  clashRejection,
  type ClashReader,
  type HostClash
} from "../../targeting/Clashes.ts"
import type { Connection } from "../Connection.ts"
import { findResource, resourcesBy } from "../Resources.ts"
import { Refusal } from "./Refusal.ts"
import type { Transaction } from "./Transaction.ts"

const hostsWithKey = (connection: Connection, organizationId: string, key: string): ReadonlyArray<VirtualHost> =>
  connection
    .all<{ readonly data: string }>(
      `SELECT h.data FROM virtual_host_keys k JOIN virtual_hosts h ON h.id = k.host_id
       WHERE k.organization_id = ? AND k.key = ? ORDER BY k.host_id`,
      organizationId,
      key
    )
    .map(({ data }) => JSON.parse(data) as VirtualHost)

const agentsOf = (connection: Connection, organizationId: string, workspaceId: string | null) => {
  const workspaces =
    workspaceId === null
      ? resourcesBy(connection, "workspace", { organization_id: organizationId }).map(({ id }) => id)
      : [workspaceId]
  return workspaces.flatMap((id) => resourcesBy(connection, "agent", { workspace_id: id }))
}

/** The clash rules' view of the state inside a transaction. */
const clashReader = (connection: Connection): ClashReader => ({
  organizationOf: (workspaceId) => findResource(connection, "workspace", workspaceId)?.organization_id,
  hostsWithKeys: (organizationId, keys) => {
    const hosts = new Map<string, VirtualHost>()
    for (const key of keys) {
      for (const host of hostsWithKey(connection, organizationId, key)) hosts.set(host.id, host)
    }
    return hosts.values()
  },
  agentsOf: (organizationId, workspaceId) =>
    agentsOf(connection, organizationId, workspaceId).map(({ id, labels, workspace_id }) => ({
      id,
      labels,
      workspace_id,
      organization_id: organizationId
    }))
})

const refuseClashes = (clashes: ReadonlyArray<HostClash>): void => {
  if (clashes.length > 0) throw new Refusal(clashRejection(clashes))
}

/** Records by which keys a host is found; none for a disabled one. */
export const putClashKeys = ({ connection }: Transaction, host: VirtualHost, workspace: Workspace): void => {
  removeClashKeys(connection, host.id)
  if (!host.enabled) return
  for (const key of new Set(clashKeys(host))) {
    connection.run(
      "INSERT INTO virtual_host_keys (organization_id, key, host_id) VALUES (?, ?, ?)",
      workspace.organization_id,
      key,
      host.id
    )
  }
}

export const removeClashKeys = (connection: Connection, hostId: string): void => {
  connection.run("DELETE FROM virtual_host_keys WHERE host_id = ?", hostId)
}

export const requireHostFits = ({ connection }: Transaction, host: VirtualHost): void =>
  refuseClashes(clashesOfHost(host, clashReader(connection)))

export const requireAgentFits = ({ connection }: Transaction, agent: StoredAgent, workspace: Workspace): void =>
  refuseClashes(
    clashesOfAgent(
      {
        id: agent.id,
        workspace_id: agent.workspace_id,
        organization_id: workspace.organization_id,
        labels: agent.labels
      },
      clashReader(connection)
    )
  )
