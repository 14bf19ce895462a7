/** Resources as they would be if drafts were saved, laid over a catalogue without changing it. */
import type { PreviewDraft } from "@nxmesh/protocol/api/Preview"
import type { StoredCertificate } from "@nxmesh/protocol/model/Certificate"
import type { ResourceDraft } from "@nxmesh/protocol/peer/AgentMessage"
import { TemplateId, UpstreamId, VirtualHostId, type WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Template } from "@nxmesh/protocol/model/Template"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { Catalogue } from "./Catalogue.ts"
import { closureOf, type Lookup, templateKeys } from "./Closures.ts"
import { certificateEntry, hostEntry, templateEntry, upstreamEntry } from "./Entries.ts"
import { type Entry, Manifest } from "./Manifest.ts"
import { upsert } from "./TargetIndex.ts"
import { type AgentTarget, targets } from "../targeting/Targets.ts"

const stamps = { created_at: "1970-01-01T00:00:00.000Z", updated_at: "1970-01-01T00:00:00.000Z", revision: 1 }

/** The id of a draft that stands for nothing yet: the same for the same place in the request. */
const draftId = (index: number): string => `${(0xd0000000 + index).toString(16)}-0000-7000-8000-000000000000`

export interface DraftedResources {
  readonly hosts: ReadonlyArray<VirtualHost>
  readonly upstreams: ReadonlyArray<Upstream>
  readonly templates: ReadonlyArray<Template>
  readonly certificates: ReadonlyArray<StoredCertificate>
}

export const draftedResources = (drafts: ReadonlyArray<PreviewDraft>): DraftedResources => {
  const hosts: Array<VirtualHost> = []
  const upstreams: Array<Upstream> = []
  const templates: Array<Template> = []
  drafts.forEach((draft, index) => {
    const id = draft.id ?? draftId(index)
    switch (draft.kind) {
      case "virtual_host":
        hosts.push({ ...draft.data, id: VirtualHostId.make(id), ...stamps })
        return
      case "upstream":
        upstreams.push({ ...draft.data, id: UpstreamId.make(id), ...stamps })
        return
      case "template":
        templates.push({ ...draft.data, id: TemplateId.make(id), ...stamps })
    }
  })
  return { hosts, upstreams, templates, certificates: [] }
}

/** As masters tell each other. */
export const resourceDrafts = (drafts: ReadonlyArray<PreviewDraft>): ReadonlyArray<ResourceDraft> => {
  const { hosts, templates, upstreams } = draftedResources(drafts)
  return [
    ...hosts.map((data) => ({ _tag: "virtual_host" as const, data })),
    ...upstreams.map((data) => ({ _tag: "upstream" as const, data })),
    ...templates.map((data) => ({ _tag: "template" as const, data }))
  ]
}

/** Those of another master. */
export const resourcesOf = (drafts: ReadonlyArray<ResourceDraft>): DraftedResources => ({
  hosts: drafts.flatMap((draft) => (draft._tag === "virtual_host" ? [draft.data] : [])),
  upstreams: drafts.flatMap((draft) => (draft._tag === "upstream" ? [draft.data] : [])),
  templates: drafts.flatMap((draft) => (draft._tag === "template" ? [draft.data] : [])),
  certificates: drafts.flatMap((draft) => (draft._tag === "certificate" ? [draft.data] : []))
})

export interface DraftedAgent {
  /** Enabled hosts that target the agent, drafts in the place of what they would replace. */
  readonly hosts: ReadonlyArray<VirtualHost>
  /** Whether any of the drafts is among what the agent gets. */
  readonly reached: boolean
  readonly manifest: Manifest
}

export const withDrafts = (catalogue: Catalogue, agent: AgentTarget, drafted: DraftedResources): DraftedAgent => {
  const replaced = new Set(drafted.hosts.map(({ id }) => id))
  const hosts = [
    ...catalogue.hostsOf(agent.id).filter(({ id }) => !replaced.has(id)),
    ...drafted.hosts.filter((host) => isTargeted(catalogue, host, agent))
  ]
  const lookup = draftedLookup(catalogue.lookup, drafted)
  const known = new Map<string, ReadonlySet<string>>()
  const templates = (workspaceId: WorkspaceId, name: string) =>
    upsert(known, `${workspaceId}/${name}`, () => templateKeys(workspaceId, name, lookup))

  const entries = new Map<string, Entry>(
    [
      ...drafted.hosts.map(hostEntry),
      ...drafted.upstreams.map(upstreamEntry),
      ...drafted.templates.map(templateEntry),
      ...drafted.certificates.map(certificateEntry)
    ].map((entry) => [entry.key, entry])
  )
  const keys = new Set(hosts.flatMap((host) => closureOf(host, lookup, templates)))
  return {
    hosts,
    reached: [...entries.keys()].some((key) => keys.has(key)),
    manifest: Manifest.of(
      [...keys].map((key) => entries.get(key) ?? catalogue.entry(key)).filter((entry) => entry !== undefined)
    )
  }
}

export const isTargeted = (catalogue: Catalogue, host: VirtualHost, agent: AgentTarget): boolean => {
  const organizationId = catalogue.organizationOf(host.workspace_id)
  return host.enabled && organizationId !== undefined && targets({ ...host, organization_id: organizationId }, agent)
}

export const draftedLookup = (lookup: Lookup, { templates, upstreams }: DraftedResources): Lookup => ({
  upstream: (id) => upstreams.find((draft) => draft.id === id) ?? lookup.upstream(id),
  upstreamByName: (workspaceId, name) => {
    const draft = upstreams.find((each) => each.workspace_id === workspaceId && each.name === name)
    const saved = lookup.upstreamByName(workspaceId, name)
    return draft ?? (upstreams.some(({ id }) => id === saved?.id) ? undefined : saved)
  },
  templateByName: (workspaceId, name) => {
    const draft = templates.find((each) => each.workspace_id === workspaceId && each.name === name)
    const saved = lookup.templateByName(workspaceId, name)
    return draft ?? (templates.some(({ id }) => id === saved?.id) ? undefined : saved)
  }
})
