/**
 * Enabled virtual hosts by what their selectors say, so that neither an agent nor a host is compared with all of the
 * others. Holds ids and selectors alone.
 */
import type { AgentId, OrganizationId, VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Labels } from "@nxmesh/protocol/model/Text"
import {
  type AgentTarget,
  labelsKey,
  type Selection,
  selectionOf,
  type Targeting,
  targetsSelection
} from "../targeting/Targets.ts"

export type TargetingHost = Targeting & { readonly id: VirtualHostId }

interface LabelSelector {
  readonly labels: Labels
  readonly hosts: Set<VirtualHostId>
}

interface WorkspaceHosts {
  readonly whole: Set<VirtualHostId>
  readonly selectors: Map<string, LabelSelector>
}

/** What a change of one host means for the selections of agents. */
export interface SelectionChange {
  /** Label selectors that the workspace did not have before, or has no more. */
  readonly selectors: ReadonlyArray<Labels>
  /** Agents that the host names or named. */
  readonly agents: ReadonlyArray<AgentId>
}

export class TargetIndex {
  readonly #hosts = new Map<VirtualHostId, TargetingHost>()
  readonly #globals = new Map<OrganizationId, Set<VirtualHostId>>()
  readonly #workspaces = new Map<WorkspaceId, WorkspaceHosts>()
  readonly #mentions = new Map<AgentId, Set<VirtualHostId>>()

  /** Enters, replaces or, with `undefined`, removes a host. */
  set(id: VirtualHostId, host: TargetingHost | undefined): SelectionChange {
    const selectors: Array<Labels> = []
    const agents: Array<AgentId> = []
    const before = this.#hosts.get(id)
    if (before !== undefined) this.#remove(before, selectors, agents)
    if (host !== undefined) this.#add(host, selectors, agents)
    return { selectors, agents }
  }

  #add(host: TargetingHost, selectors: Array<Labels>, agents: Array<AgentId>): void {
    this.#hosts.set(host.id, host)
    const selector = host.target_agents
    switch (selector.scope) {
      case "global":
        upsert(this.#globals, host.organization_id, newSet).add(host.id)
        return
      case "workspace":
        upsert(this.#workspaces, host.workspace_id, newWorkspace).whole.add(host.id)
        return
      case "labels": {
        const known = upsert(this.#workspaces, host.workspace_id, newWorkspace).selectors
        const key = labelsKey(selector.match_labels)
        if (!known.has(key)) selectors.push(selector.match_labels)
        upsert(known, key, () => ({ labels: selector.match_labels, hosts: new Set() })).hosts.add(host.id)
        return
      }
      case "agents":
        agents.push(...selector.agent_ids)
        for (const agentId of selector.agent_ids) upsert(this.#mentions, agentId, newSet).add(host.id)
    }
  }

  #remove(host: TargetingHost, selectors: Array<Labels>, agents: Array<AgentId>): void {
    this.#hosts.delete(host.id)
    const selector = host.target_agents
    switch (selector.scope) {
      case "global":
        this.#globals.get(host.organization_id)?.delete(host.id)
        return
      case "workspace":
        this.#workspaces.get(host.workspace_id)?.whole.delete(host.id)
        return
      case "labels": {
        const known = this.#workspaces.get(host.workspace_id)?.selectors
        const key = labelsKey(selector.match_labels)
        const hosts = known?.get(key)?.hosts
        hosts?.delete(host.id)
        if (hosts?.size === 0) {
          known?.delete(key)
          selectors.push(selector.match_labels)
        }
        return
      }
      case "agents":
        agents.push(...selector.agent_ids)
        for (const agentId of selector.agent_ids) {
          const hosts = this.#mentions.get(agentId)
          hosts?.delete(host.id)
          if (hosts?.size === 0) this.#mentions.delete(agentId)
        }
    }
  }

  selectionOf(agent: AgentTarget): Selection {
    const selectors = this.#workspaces.get(agent.workspace_id)?.selectors ?? new Map<string, LabelSelector>()
    const mentions = [...(this.#mentions.get(agent.id) ?? [])].filter(
      (id) => this.#hosts.get(id)?.workspace_id === agent.workspace_id
    )
    return selectionOf(
      agent,
      [...selectors].map(([key, { labels }]) => [key, labels] as const),
      mentions
    )
  }

  /** Every enabled host that a selection gets. */
  *hostsOf(selection: Selection): Iterable<VirtualHostId> {
    yield* this.#globals.get(selection.organization_id) ?? []
    yield* this.#workspaces.get(selection.workspace_id)?.whole ?? []
    for (const key of selection.selectors) yield* this.#selectorHosts(selection.workspace_id, key)
    yield* selection.mentions
  }

  /** The hosts in which two selections of one workspace can differ. */
  *hostsBetween(left: Selection, right: Selection): Iterable<VirtualHostId> {
    for (const key of inOneOnly(left.selectors, right.selectors)) {
      yield* this.#selectorHosts(left.workspace_id, key)
    }
    yield* inOneOnly(left.mentions, right.mentions)
  }

  #selectorHosts(workspaceId: WorkspaceId, key: string): Iterable<VirtualHostId> {
    return this.#workspaces.get(workspaceId)?.selectors.get(key)?.hosts ?? []
  }

  /** Whether the host is enabled and targets the selection. */
  targets(id: VirtualHostId, selection: Selection): boolean {
    const host = this.#hosts.get(id)
    return host !== undefined && targetsSelection(host, selection)
  }
}

const inOneOnly = <A>(left: ReadonlySet<A>, right: ReadonlySet<A>): ReadonlyArray<A> => [
  ...[...left].filter((value) => !right.has(value)),
  ...[...right].filter((value) => !left.has(value))
]

const newSet = <A>() => new Set<A>()
const newWorkspace = (): WorkspaceHosts => ({ whole: new Set(), selectors: new Map() })

/** The value at a key, made when there is none. */
export const upsert = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const present = map.get(key)
  if (present !== undefined) return present
  const made = make()
  map.set(key, made)
  return made
}
