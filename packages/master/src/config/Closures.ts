/**
 * What each enabled virtual host needs beside itself: its upstreams (by id, and by name as the host of a `proxy_pass`),
 * its certificate, its template and that template's partials. Kept with the reverse, so that a change of an upstream
 * finds its hosts.
 */
import { parseTemplate, partialNames } from "@nxmesh/core/nginx/TemplateSource"
import { builtInTemplate } from "@nxmesh/core/nginx/templates/BuiltIn"
import { namedUpstream, upstreamReferences } from "@nxmesh/core/nginx/UpstreamReference"
import type { UpstreamId, VirtualHostId, WorkspaceId } from "@nxmesh/protocol/Ids"
import { bundleKey } from "@nxmesh/protocol/model/Bundle"
import type { Template } from "@nxmesh/protocol/model/Template"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Result } from "effect"
import { upsert } from "./TargetIndex.ts"

/** Where the closure of a host looks things up. */
export interface Lookup {
  readonly upstream: (id: UpstreamId) => Upstream | undefined
  readonly upstreamByName: (workspaceId: WorkspaceId, name: string) => Upstream | undefined
  readonly templateByName: (workspaceId: WorkspaceId, name: string) => Template | undefined
}

/** Keys of the custom templates a name stands for with all its partials; a built-in one is a template without workspace. */
export const templateKeys = (workspaceId: WorkspaceId, name: string, lookup: Lookup): ReadonlySet<string> => {
  const keys = new Set<string>()
  const pending = [name]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const custom = lookup.templateByName(workspaceId, next)
    const key = bundleKey.template(custom === undefined ? null : workspaceId, next)
    const source = custom?.source ?? builtInTemplate(next)
    if (keys.has(key) || source === null) continue
    keys.add(key)
    const parsed = parseTemplate(next, source)
    if (Result.isSuccess(parsed)) pending.push(...partialNames(parsed.success))
  }
  return keys
}

/** Names in a host's `proxy_pass` URLs that mean an upstream of its workspace, when there is one. */
export const upstreamNames = (host: Pick<VirtualHost, "locations">): ReadonlyArray<string> =>
  host.locations.map(namedUpstream).filter((name) => name !== null)

/** Everything a host brings into a bundle, itself included, as bundle keys. What does not exist is left out. */
export const closureOf = (
  host: VirtualHost,
  lookup: Lookup,
  templates: (workspaceId: WorkspaceId, name: string) => ReadonlySet<string>
): ReadonlyArray<string> => {
  const candidates = [
    ...host.locations.map(({ upstream_id }) => (upstream_id === null ? undefined : lookup.upstream(upstream_id))),
    ...upstreamNames(host).map((name) => lookup.upstreamByName(host.workspace_id, name))
  ].filter((upstream) => upstream !== undefined)
  const certificate = host.ssl_enabled ? host.ssl_certificate_id : null
  return [
    bundleKey.virtualHost(host.id),
    ...upstreamReferences(host, candidates).map(bundleKey.upstream),
    ...(certificate === null ? [] : [bundleKey.certificate(certificate)]),
    ...templates(host.workspace_id, host.template)
  ]
}

export class Closures {
  readonly #keys = new Map<VirtualHostId, ReadonlyArray<string>>()
  readonly #users = new Map<string, Set<VirtualHostId>>()
  readonly #naming = new Map<string, Set<VirtualHostId>>()
  readonly #names = new Map<VirtualHostId, ReadonlyArray<string>>()
  readonly #templates = new Map<string, ReadonlySet<string>>()
  readonly #lookup: Lookup

  constructor(lookup: Lookup) {
    this.#lookup = lookup
  }

  /** Enters, replaces or, with `undefined`, removes a host. Answers every key that it had or has. */
  set(id: VirtualHostId, host: VirtualHost | undefined): ReadonlySet<string> {
    const before = this.#keys.get(id) ?? []
    for (const key of before) removeFrom(this.#users, key, id)
    for (const name of this.#names.get(id) ?? []) removeFrom(this.#naming, name, id)
    this.#keys.delete(id)
    this.#names.delete(id)
    if (host === undefined) return new Set(before)

    const keys = closureOf(host, this.#lookup, this.#templateKeys)
    const names = upstreamNames(host).map((name) => nameKey(host.workspace_id, name))
    this.#keys.set(id, keys)
    this.#names.set(id, names)
    for (const key of keys) upsert(this.#users, key, () => new Set()).add(id)
    for (const name of names) upsert(this.#naming, name, () => new Set()).add(id)
    return new Set([...before, ...keys])
  }

  readonly #templateKeys = (workspaceId: WorkspaceId, name: string): ReadonlySet<string> =>
    upsert(this.#templates, nameKey(workspaceId, name), () => templateKeys(workspaceId, name, this.#lookup))

  /** A template of the workspace changed: partials are looked up anew. */
  forgetTemplates(): void {
    this.#templates.clear()
  }

  keysOf(id: VirtualHostId): ReadonlyArray<string> {
    return this.#keys.get(id) ?? []
  }

  /** Hosts that need the resource. */
  usersOf(key: string): Iterable<VirtualHostId> {
    return this.#users.get(key) ?? []
  }

  /** Hosts that may mean an upstream of this name. */
  naming(workspaceId: WorkspaceId, name: string): ReadonlyArray<VirtualHostId> {
    return [...(this.#naming.get(nameKey(workspaceId, name)) ?? [])]
  }
}

const nameKey = (workspaceId: WorkspaceId, name: string) => `${workspaceId}/${name}`

const removeFrom = <K, V>(map: Map<K, Set<V>>, key: K, value: V): void => {
  const set = map.get(key)
  set?.delete(value)
  if (set?.size === 0) map.delete(key)
}
