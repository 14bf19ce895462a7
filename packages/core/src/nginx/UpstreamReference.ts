/** Which upstreams a virtual host uses: by id, and by name as the host of a `proxy_pass` URL. */
import type { UpstreamId } from "@nxmesh/protocol/Ids"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { Location, VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { parseProxyUrl } from "./ProxyUrl.ts"

/** The name that may mean an upstream of the workspace: a URL's host without a port. `null` when it cannot. */
export const namedUpstream = (location: Pick<Location, "proxy_pass">): string | null => {
  const url = location.proxy_pass === null ? null : parseProxyUrl(location.proxy_pass)
  return url === null || url.isAddress || url.port !== null ? null : url.host
}

/**
 * Ids of the upstreams that a host refers to, each once, in order. Of `upstreams`, those of the host's own workspace
 * can be meant by name; an `upstream_id` is answered whether it is among `upstreams` or not.
 */
export const upstreamReferences = (
  host: Pick<VirtualHost, "workspace_id"> & {
    readonly locations: ReadonlyArray<Pick<Location, "proxy_pass" | "upstream_id">>
  },
  upstreams: Iterable<Pick<Upstream, "id" | "workspace_id" | "name">>
): ReadonlyArray<UpstreamId> => {
  const names = new Map<string, UpstreamId>()
  for (const { id, name, workspace_id } of upstreams) if (workspace_id === host.workspace_id) names.set(name, id)
  const ids = host.locations.map((location) => {
    const name = namedUpstream(location)
    return location.upstream_id ?? (name === null ? null : (names.get(name) ?? null))
  })
  return Array.from(new Set(ids.filter((id) => id !== null)))
}
