/** A bundle by what rendering asks of it. */
import type { Bundle, BundleCertificate } from "@nxmesh/protocol/model/Bundle"
import { bundleKey } from "@nxmesh/protocol/model/Bundle"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"

export interface BundleIndex {
  /** Enabled ones, by id. */
  readonly hosts: ReadonlyArray<VirtualHost>
  readonly upstreams: ReadonlyArray<Upstream>
  readonly certificates: ReadonlyArray<BundleCertificate>
  readonly upstreamById: (id: string) => Upstream | null
  readonly upstreamByName: (workspaceId: string, name: string) => Upstream | null
  readonly certificateById: (id: string) => BundleCertificate | null
  /** A template of the workspace, or else the built-in one of that name. */
  readonly templateSource: (workspaceId: VirtualHost["workspace_id"], name: string) => string | null
}

const byId = (left: { readonly id: string }, right: { readonly id: string }) => (left.id < right.id ? -1 : 1)

export const indexBundle = (bundle: Bundle): BundleIndex => {
  const hosts: Array<VirtualHost> = []
  const upstreams = new Map<string, Upstream>()
  const upstreamsByName = new Map<string, Upstream>()
  const certificates = new Map<string, BundleCertificate>()
  const templates = new Map<string, string>()
  for (const resource of bundle.resources) {
    switch (resource._tag) {
      case "virtual_host":
        if (resource.data.enabled) hosts.push(resource.data)
        break
      case "upstream":
        upstreams.set(resource.data.id, resource.data)
        upstreamsByName.set(`${resource.data.workspace_id} ${resource.data.name}`, resource.data)
        break
      case "certificate":
        certificates.set(resource.data.id, resource.data)
        break
      case "template":
        templates.set(bundleKey.template(resource.data.workspace_id, resource.data.name), resource.data.source)
        break
    }
  }
  return {
    hosts: hosts.sort(byId),
    upstreams: Array.from(upstreams.values()).sort(byId),
    certificates: Array.from(certificates.values()).sort(byId),
    upstreamById: (id) => upstreams.get(id) ?? null,
    upstreamByName: (workspaceId, name) => upstreamsByName.get(`${workspaceId} ${name}`) ?? null,
    certificateById: (id) => certificates.get(id) ?? null,
    templateSource: (workspaceId, name) =>
      templates.get(bundleKey.template(workspaceId, name)) ?? templates.get(bundleKey.template(null, name)) ?? null
  }
}
