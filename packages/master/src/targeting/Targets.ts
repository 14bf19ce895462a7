/** Which agents a resource targets (CF-003): a pure function of the selector, the resource's tenant and the agent's. */
import type { AgentId, OrganizationId, VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { AgentSelector } from "@nxmesh/protocol/model/AgentSelector"
import type { Labels } from "@nxmesh/protocol/model/Text"

/** What a selector looks at in an agent. */
export interface AgentTarget {
  readonly id: AgentId
  readonly workspace_id: WorkspaceId
  readonly organization_id: OrganizationId
  readonly labels: Labels
}

/** A resource that targets agents, and whose it is. */
export interface Targeting {
  readonly workspace_id: WorkspaceId
  readonly organization_id: OrganizationId
  readonly target_agents: AgentSelector
}

/** Whether every wanted label is there with its value. */
export const matchesLabels = (wanted: Labels, labels: Labels): boolean =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value)

/** *Global* stays within one organization; every other scope stays within the resource's workspace. */
export const targets = (resource: Targeting, agent: AgentTarget): boolean => {
  const selector = resource.target_agents
  if (selector.scope === "global") return resource.organization_id === agent.organization_id
  if (resource.workspace_id !== agent.workspace_id) return false
  switch (selector.scope) {
    case "workspace":
      return true
    case "labels":
      return matchesLabels(selector.match_labels, agent.labels)
    case "agents":
      return selector.agent_ids.includes(agent.id)
  }
}

/** One text per label selector: equal selectors have equal keys, whatever the order of their labels. */
export const labelsKey = (labels: Labels): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(",")

/**
 * Everything about an agent that decides which hosts it gets. Agents with the same selection share one bundle, so a
 * fleet of thousands has a handful of them.
 */
export interface Selection {
  readonly key: string
  readonly workspace_id: WorkspaceId
  readonly organization_id: OrganizationId
  /** `labelsKey` of every label selector of the workspace that matches the agent. */
  readonly selectors: ReadonlySet<string>
  /** Hosts that name the agent by its id. */
  readonly mentions: ReadonlySet<VirtualHostId>
}

export const selectionOf = (
  agent: AgentTarget,
  selectors: Iterable<readonly [key: string, labels: Labels]>,
  mentions: Iterable<VirtualHostId>
): Selection => {
  const matching: Array<string> = []
  for (const [key, labels] of selectors) if (matchesLabels(labels, agent.labels)) matching.push(key)
  const mentioned = [...mentions].sort()
  return {
    key: [agent.organization_id, agent.workspace_id, matching.sort().join(";"), mentioned.join(";")].join("|"),
    workspace_id: agent.workspace_id,
    organization_id: agent.organization_id,
    selectors: new Set(matching),
    mentions: new Set(mentioned)
  }
}

/** `targets`, for all agents of a selection at once. */
export const targetsSelection = (
  resource: Targeting & { readonly id: VirtualHostId },
  selection: Selection
): boolean => {
  const selector = resource.target_agents
  if (selector.scope === "global") return resource.organization_id === selection.organization_id
  if (resource.workspace_id !== selection.workspace_id) return false
  switch (selector.scope) {
    case "workspace":
      return true
    case "labels":
      return selection.selectors.has(labelsKey(selector.match_labels))
    case "agents":
      return selection.mentions.has(resource.id)
  }
}
