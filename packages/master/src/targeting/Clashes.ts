/**
 * Clashes between virtual hosts on the effective bundle of an agent: the hosts of its workspace that target it and its
 * organization's global ones. Called by apply at every write that can make one, with a reader over its transaction.
 *
 * Costs what the write touches: a save of one host looks up its rivals by key instead of reading the others.
 */
import { type ClashingHost as RenderedHost, clashes, clashesOf } from "@nxmesh/core/nginx/Clash"
import type { AgentId, OrganizationId, VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { ResourceReference } from "@nxmesh/protocol/model/ResourceKind"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { Rejection } from "@nxmesh/protocol/Rejection"
import { listenKeys, rivalKeys } from "./Sockets.ts"
import { type AgentTarget, matchesLabels, targets } from "./Targets.ts"

/** The fields of a host that clashes depend on. */
export type ClashingHost = RenderedHost & Pick<VirtualHost, "target_agents" | "workspace_id">

/** What clashes are computed from. Every answer may hold more than asked for; what does not belong is left out here. */
export interface ClashReader {
  readonly organizationOf: (workspaceId: WorkspaceId) => OrganizationId | undefined
  /** Enabled hosts of the organization that have one of these among their `clashKeys`. */
  readonly hostsWithKeys: (organizationId: OrganizationId, keys: ReadonlyArray<string>) => Iterable<ClashingHost>
  /** Agents of the workspace, or with `null` of the whole organization. */
  readonly agentsOf: (organizationId: OrganizationId, workspaceId: WorkspaceId | null) => Iterable<AgentTarget>
}

/** The keys by which the store of an enabled host must find it: what it listens on, and whom it can target. */
export const clashKeys = (host: ClashingHost): ReadonlyArray<string> => [...listenKeys(host), ...targetKeys(host)]

const globalKey = "target:global"
const workspaceKey = (id: WorkspaceId) => `target:workspace:${id}`
const agentKey = (id: AgentId) => `target:agent:${id}`

const targetKeys = ({ target_agents, workspace_id }: ClashingHost): ReadonlyArray<string> => {
  switch (target_agents.scope) {
    case "global":
      return [globalKey]
    case "workspace":
    case "labels":
      return [workspaceKey(workspace_id)]
    case "agents":
      return target_agents.agent_ids.map(agentKey)
  }
}

export interface HostClash {
  /** The field of the saved resource: of a host what it claims, of an agent its labels. */
  readonly field: string
  readonly message: string
  readonly hosts: ReadonlyArray<ResourceReference>
}

/** More than a person reads at once says nothing more. */
const clashesMax = 10

/** Clashes that saving this host makes: empty for a disabled one, and for hosts that share no agent. */
export const clashesOfHost = (host: ClashingHost, reader: ClashReader): ReadonlyArray<HostClash> => {
  const organizationId = reader.organizationOf(host.workspace_id)
  if (!host.enabled || organizationId === undefined) return []
  const others = [...reader.hostsWithKeys(organizationId, rivalKeys(host))].filter(
    (other) => other.enabled && other.id !== host.id
  )
  if (others.length === 0) return []
  const agents = targetedAgents(host, organizationId, reader)
  const sharing = others.filter((other) => agents.some((agent) => targetsAgent(other, organizationId, reader, agent)))
  return clashesOf(host, sharing).slice(0, clashesMax)
}

/**
 * Clashes on an agent after its creation, its move, or a change of its labels. Nothing to do when another agent of the
 * workspace already has every host that this one gets: what lives together there lives together here.
 */
export const clashesOfAgent = (agent: AgentTarget, reader: ClashReader): ReadonlyArray<HostClash> => {
  const mentioned = [...reader.hostsWithKeys(agent.organization_id, [agentKey(agent.id)])]
  if (mentioned.length === 0) {
    for (const other of reader.agentsOf(agent.organization_id, agent.workspace_id)) {
      if (other.id !== agent.id && matchesLabels(agent.labels, other.labels)) return []
    }
  }
  const shared = reader.hostsWithKeys(agent.organization_id, [globalKey, workspaceKey(agent.workspace_id)])
  const hosts = new Map<VirtualHostId, ClashingHost>()
  for (const host of [...shared, ...mentioned]) {
    if (host.enabled && targetsAgent(host, agent.organization_id, reader, agent)) hosts.set(host.id, host)
  }
  return clashes(hosts.values())
    .slice(0, clashesMax)
    .map(({ hosts: [first, second], message }) => ({
      field: "labels",
      message: `virtual hosts "${first.name}" and "${second.name}" would share this agent: ${message}`,
      hosts: [first, second]
    }))
}

/** The answer to a write that makes clashes. */
export const clashRejection = (found: ReadonlyArray<HostClash>): Rejection => ({
  code: "CLASH",
  message: "Virtual hosts on one agent would clash; change a name, a port or a selector.",
  details: found.map(({ field, message }) => ({ field, message }))
})

const targetsAgent = (
  host: ClashingHost,
  organizationId: OrganizationId,
  reader: ClashReader,
  agent: AgentTarget
): boolean => {
  const selector = host.target_agents
  if (selector.scope !== "global") return targets({ ...host, organization_id: organizationId }, agent)
  return reader.organizationOf(host.workspace_id) === agent.organization_id
}

const targetedAgents = (
  host: ClashingHost,
  organizationId: OrganizationId,
  reader: ClashReader
): ReadonlyArray<AgentTarget> => {
  const workspaceId = host.target_agents.scope === "global" ? null : host.workspace_id
  const owned = { ...host, organization_id: organizationId }
  return [...reader.agentsOf(organizationId, workspaceId)].filter((agent) => targets(owned, agent))
}
