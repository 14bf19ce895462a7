/**
 * The configuration of every tenant, indexed for one question: which manifest belongs to which agent. Changes go in
 * resource by resource; `settle` then says whose manifest is another one, touching only the keys that changed.
 *
 * Plain and synchronous: `ConfigEngine` owns the one instance and feeds it. Agents share groups by selection; a group
 * is built when one of its agents is first asked for.
 */
import type {
  AgentId,
  CertificateId,
  OrganizationId,
  TemplateId,
  UpstreamId,
  VirtualHostId,
  WorkspaceId
} from "@nxmesh/protocol/Ids"
import type { StoredAgent } from "@nxmesh/protocol/model/Agent"
import { bundleKey } from "@nxmesh/protocol/model/Bundle"
import type { StoredCertificate } from "@nxmesh/protocol/model/Certificate"
import type { Workspace } from "@nxmesh/protocol/model/Organization"
import { builtInTemplateNames, type Template } from "@nxmesh/protocol/model/Template"
import type { Labels } from "@nxmesh/protocol/model/Text"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Closures, type Lookup } from "./Closures.ts"
import { builtInEntry, certificateEntry, hostEntry, templateEntry, upstreamEntry } from "./Entries.ts"
import { type Entry, Manifest, patched } from "./Manifest.ts"
import { TargetIndex, upsert } from "./TargetIndex.ts"
import { type AgentTarget, matchesLabels, type Selection } from "../targeting/Targets.ts"

interface Group {
  readonly selection: Selection
  readonly agents: Set<AgentId>
  manifest: Manifest
}

export class Catalogue {
  readonly #organizations = new Map<WorkspaceId, OrganizationId>()
  readonly #agents = new Map<AgentId, AgentTarget>()
  readonly #agentsByWorkspace = new Map<WorkspaceId, Set<AgentId>>()
  readonly #hosts = new Map<VirtualHostId, VirtualHost>()
  readonly #upstreams = new Map<UpstreamId, Upstream>()
  readonly #upstreamsByName = new Map<string, Upstream>()
  readonly #templates = new Map<TemplateId, Template>()
  readonly #templatesByName = new Map<string, Template>()
  readonly #entries = new Map<string, Entry>(builtInTemplateNames.map(builtInEntry).map((entry) => [entry.key, entry]))

  readonly #targets = new TargetIndex()
  readonly #lookup: Lookup = {
    upstream: (id) => this.#upstreams.get(id),
    upstreamByName: (workspaceId, name) => this.#upstreamsByName.get(nameKey(workspaceId, name)),
    templateByName: (workspaceId, name) => this.#templatesByName.get(nameKey(workspaceId, name))
  }
  readonly #closures = new Closures(this.#lookup)

  readonly #groups = new Map<string, Group>()
  readonly #groupOf = new Map<AgentId, Group>()
  readonly #changedKeys = new Set<string>()
  readonly #changedAgents = new Set<AgentId>()

  setWorkspace(id: WorkspaceId, workspace: Pick<Workspace, "organization_id"> | undefined): void {
    if (workspace === undefined) this.#organizations.delete(id)
    else this.#organizations.set(id, workspace.organization_id)
  }

  setAgent(id: AgentId, agent: Pick<StoredAgent, "labels" | "workspace_id"> | undefined): void {
    const before = this.#agents.get(id)
    if (before !== undefined) this.#agentsByWorkspace.get(before.workspace_id)?.delete(id)
    const organizationId = agent === undefined ? undefined : this.#organizations.get(agent.workspace_id)
    this.#changedAgents.add(id)
    if (agent === undefined || organizationId === undefined) {
      this.#agents.delete(id)
      return
    }
    const { labels, workspace_id } = agent
    this.#agents.set(id, { id, workspace_id, organization_id: organizationId, labels })
    upsert(this.#agentsByWorkspace, workspace_id, () => new Set()).add(id)
  }

  setHost(id: VirtualHostId, host: VirtualHost | undefined): void {
    const workspaceId = host?.workspace_id ?? this.#hosts.get(id)?.workspace_id
    if (host === undefined) this.#hosts.delete(id)
    else this.#hosts.set(id, host)
    this.#setEntry(bundleKey.virtualHost(id), host === undefined ? undefined : hostEntry(host))
    if (workspaceId === undefined) return

    const organizationId = this.#organizations.get(workspaceId)
    const served = host?.enabled === true && organizationId !== undefined ? host : undefined
    const change = this.#targets.set(
      id,
      served === undefined || organizationId === undefined ? undefined : { ...served, organization_id: organizationId }
    )
    for (const agentId of change.agents) this.#changedAgents.add(agentId)
    if (change.selectors.length > 0) this.#selectorsChanged(workspaceId, change.selectors)
    this.#close(id, served)
  }

  setUpstream(id: UpstreamId, upstream: Upstream | undefined): void {
    const before = this.#upstreams.get(id)
    if (before !== undefined) this.#upstreamsByName.delete(nameKey(before.workspace_id, before.name))
    if (upstream === undefined) this.#upstreams.delete(id)
    else {
      this.#upstreams.set(id, upstream)
      this.#upstreamsByName.set(nameKey(upstream.workspace_id, upstream.name), upstream)
    }
    this.#setEntry(bundleKey.upstream(id), upstream === undefined ? undefined : upstreamEntry(upstream))
    if (before?.name === upstream?.name) return
    for (const each of [before, upstream]) {
      if (each === undefined) continue
      for (const hostId of this.#closures.naming(each.workspace_id, each.name)) this.#closeAgain(hostId)
    }
  }

  setCertificate(id: CertificateId, certificate: StoredCertificate | undefined): void {
    this.#setEntry(bundleKey.certificate(id), certificate === undefined ? undefined : certificateEntry(certificate))
  }

  setTemplate(id: TemplateId, template: Template | undefined): void {
    const before = this.#templates.get(id)
    for (const each of [before, template]) {
      if (each === undefined) continue
      this.#templatesByName.delete(nameKey(each.workspace_id, each.name))
      this.#setEntry(bundleKey.template(each.workspace_id, each.name), undefined)
    }
    if (template === undefined) this.#templates.delete(id)
    else {
      this.#templates.set(id, template)
      this.#templatesByName.set(nameKey(template.workspace_id, template.name), template)
      this.#setEntry(bundleKey.template(template.workspace_id, template.name), templateEntry(template))
    }
    this.#closures.forgetTemplates()
    const workspaceId = template?.workspace_id ?? before?.workspace_id
    for (const host of this.#hosts.values()) {
      if (
        host.workspace_id === workspaceId &&
        this.#entries.get(bundleKey.template(null, host.template)) === undefined
      ) {
        this.#closeAgain(host.id)
      }
    }
  }

  /** Takes in everything set since the last call. Answers the agents whose manifest is another one now. */
  settle(): ReadonlySet<AgentId> {
    const keys = [...this.#changedKeys]
    const affected = this.#regroup()
    for (const group of this.#groups.values()) {
      const manifest = patched(group.manifest, keys, this.#wanted(group.selection))
      if (manifest === group.manifest) continue
      group.manifest = manifest
      for (const agentId of group.agents) affected.add(agentId)
    }
    this.#changedKeys.clear()
    this.#changedAgents.clear()
    return affected
  }

  /** What the agent should serve; `undefined` for an agent that does not exist. */
  manifestOf(id: AgentId): Manifest | undefined {
    const known = this.#groupOf.get(id)
    if (known !== undefined) return known.manifest
    const agent = this.#agents.get(id)
    return agent === undefined ? undefined : this.#join(id, this.#targets.selectionOf(agent), undefined).manifest
  }

  agent(id: AgentId): AgentTarget | undefined {
    return this.#agents.get(id)
  }

  /** Some enabled host that the template renders, to show what a change of it means. */
  hostWithTemplate({ name, workspace_id }: Pick<Template, "name" | "workspace_id">): VirtualHost | undefined {
    const [id] = this.#closures.usersOf(bundleKey.template(workspace_id, name))
    return id === undefined ? undefined : this.#hosts.get(id)
  }

  /** Enabled hosts that the template has a part in rendering, also as a partial of another one. */
  hostsWithTemplate({ name, workspace_id }: Pick<Template, "name" | "workspace_id">): ReadonlyArray<VirtualHost> {
    return [...this.#closures.usersOf(bundleKey.template(workspace_id, name))]
      .map((id) => this.#hosts.get(id))
      .filter((host) => host !== undefined)
  }

  organizationOf(workspaceId: WorkspaceId): OrganizationId | undefined {
    return this.#organizations.get(workspaceId)
  }

  /** Enabled hosts that target the agent. */
  hostsOf(id: AgentId): ReadonlyArray<VirtualHost> {
    const agent = this.#agents.get(id)
    if (agent === undefined) return []
    const ids = new Set(this.#targets.hostsOf(this.#targets.selectionOf(agent)))
    return [...ids].map((hostId) => this.#hosts.get(hostId)).filter((host) => host !== undefined)
  }

  get lookup(): Lookup {
    return this.#lookup
  }

  entry(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  /** The custom template that has this bundle key now. */
  templateAt(key: string): Template | undefined {
    return this.#templatesByName.get(key.slice("template:".length))
  }

  builtInEntries(): ReadonlyArray<Entry> {
    return builtInTemplateNames
      .map((name) => this.#entries.get(bundleKey.template(null, name)))
      .filter((entry) => entry !== undefined)
  }

  hasCertificate(id: CertificateId): boolean {
    return this.#entries.has(bundleKey.certificate(id))
  }

  agents(): ReadonlyArray<AgentId> {
    return [...this.#agents.keys()]
  }

  get groupCount(): number {
    return this.#groups.size
  }

  #setEntry(key: string, entry: Entry | undefined): void {
    this.#changedKeys.add(key)
    if (entry === undefined) this.#entries.delete(key)
    else this.#entries.set(key, entry)
  }

  #close(id: VirtualHostId, host: VirtualHost | undefined): void {
    for (const key of this.#closures.set(id, host)) this.#changedKeys.add(key)
  }

  #closeAgain(id: VirtualHostId): void {
    const host = this.#hosts.get(id)
    this.#close(id, host?.enabled === true ? host : undefined)
  }

  #selectorsChanged(workspaceId: WorkspaceId, selectors: ReadonlyArray<Labels>): void {
    for (const id of this.#agentsByWorkspace.get(workspaceId) ?? []) {
      const agent = this.#agents.get(id)
      if (agent !== undefined && selectors.some((labels) => matchesLabels(labels, agent.labels))) {
        this.#changedAgents.add(id)
      }
    }
  }

  /** Moves agents whose selection changed to the group of their new one, with what they had as its beginning. */
  #regroup(): Set<AgentId> {
    const affected = new Set<AgentId>()
    for (const id of this.#changedAgents) {
      const from = this.#groupOf.get(id)
      const agent = this.#agents.get(id)
      if (from === undefined) continue
      const selection = agent === undefined ? undefined : this.#targets.selectionOf(agent)
      if (selection?.key === from.selection.key) continue
      this.#leave(id, from)
      if (selection === undefined) continue
      if (this.#join(id, selection, from).manifest !== from.manifest) affected.add(id)
    }
    return affected
  }

  #leave(id: AgentId, group: Group): void {
    this.#groupOf.delete(id)
    group.agents.delete(id)
    if (group.agents.size === 0) this.#groups.delete(group.selection.key)
  }

  #join(id: AgentId, selection: Selection, from: Group | undefined): Group {
    const group = upsert(this.#groups, selection.key, () => ({
      selection,
      agents: new Set<AgentId>(),
      manifest: this.#manifest(selection, from)
    }))
    group.agents.add(id)
    this.#groupOf.set(id, group)
    return group
  }

  #manifest(selection: Selection, from: Group | undefined): Manifest {
    const wanted = this.#wanted(selection)
    if (from === undefined || from.selection.workspace_id !== selection.workspace_id) {
      const keys = this.#keysOf(this.#targets.hostsOf(selection))
      return Manifest.of([...keys].map((key) => wanted(key)).filter((entry) => entry !== undefined))
    }
    const keys = this.#keysOf(this.#targets.hostsBetween(from.selection, selection))
    return patched(from.manifest, new Set([...keys, ...this.#changedKeys]), wanted)
  }

  #keysOf(hosts: Iterable<VirtualHostId>): Set<string> {
    const keys = new Set<string>()
    for (const id of hosts) for (const key of this.#closures.keysOf(id)) keys.add(key)
    return keys
  }

  #wanted(selection: Selection): (key: string) => Entry | undefined {
    return (key) => {
      for (const id of this.#closures.usersOf(key)) {
        if (this.#targets.targets(id, selection)) return this.#entries.get(key)
      }
      return undefined
    }
  }
}

const nameKey = (workspaceId: WorkspaceId, name: string) => `${workspaceId}/${name}`
