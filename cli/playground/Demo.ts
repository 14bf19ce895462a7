import type { Api, Resource } from "./Api.ts"
import type { Settings } from "./Settings.ts"

/** The demo that the playground shows: a site on one agent, with a page of its own and a backend behind `/backend/`. */
export interface Demo {
  readonly agent: Resource
  readonly site: Resource
  /** Set while the agent has not enrolled yet. */
  readonly enrolment: { readonly token: string; readonly ca_fingerprint: string } | undefined
}

/** The locations of the site, with what its page says. Changing a site replaces its locations as a whole. */
export const locations = (text: string, upstreamId: string) => [
  { path: "/", return: { status: 200, text } },
  { path: "/backend/", upstream_id: upstreamId }
]

export const greeting = "Hello from NxMesh"

export const ensure = async (
  api: Api,
  path: string,
  filter: Readonly<Record<string, string>>,
  body: unknown
): Promise<Resource> => (await api.list(path, filter))[0] ?? api.create(path, body)

export const ensureWorkspace = async (api: Api): Promise<string> => {
  const organization = await ensure(api, "/organizations", { slug: "demo" }, { name: "Demo", slug: "demo" })
  const path = `/organizations/${organization.id}/workspaces`
  const workspace = await ensure(api, path, { slug: "playground" }, { name: "Playground", slug: "playground" })
  return workspace.id
}

export const ensureUpstream = async (api: Api, workspaceId: string, port: number): Promise<Resource> => {
  const name = "demo-backend"
  const servers = [{ address: `127.0.0.1:${port}` }]
  const filter = { workspace_id: workspaceId, name }
  const upstream = await ensure(api, "/upstreams", filter, { workspace_id: workspaceId, name, servers })
  const [server] = upstream["servers"] as ReadonlyArray<{ address: string }>
  return server?.address === servers[0]?.address ? upstream : api.change(`/upstreams/${upstream.id}`, { servers })
}

const ensureSite = async (api: Api, workspaceId: string, upstreamId: string, port: number): Promise<Resource> => {
  const name = "Demo site"
  const site = await ensure(
    api,
    "/virtual-hosts",
    { workspace_id: workspaceId, name },
    {
      workspace_id: workspaceId,
      name,
      server_name: "localhost",
      listen_port: port,
      locations: locations(greeting, upstreamId)
    }
  )
  return site["listen_port"] === port ? site : api.change(`/virtual-hosts/${site.id}`, { listen_port: port })
}

/** Makes what is missing and leaves the rest as the visitor changed it. Ports that moved since the last run are followed. */
export const ensureDemo = async (api: Api, settings: Settings): Promise<Demo & { readonly upstreamId: string }> => {
  const workspaceId = await ensureWorkspace(api)
  const upstream = await ensureUpstream(api, workspaceId, settings.backendPort)
  const site = await ensureSite(api, workspaceId, upstream.id, settings.sitePort)
  const filter = { workspace_id: workspaceId, name: "local" }
  const agent = await ensure(api, "/agents", filter, { workspace_id: workspaceId, name: "local" })
  const enrolment =
    agent["state"] === "Pending"
      ? await api.create<{ token: string; ca_fingerprint: string }>(`/agents/${agent.id}/tokens`, {})
      : undefined
  return { agent, site, enrolment, upstreamId: upstream.id }
}

/** What the master knows of why the agent does not serve the site; empty when it knows nothing. */
export const agentTrouble = async (api: Api, agentId: string): Promise<string> => {
  const agent = await api.get(`/agents/${agentId}`)
  const [deployment] = await api.list("/deployments", { agent_id: agentId, per_page: "1" })
  const error = deployment?.["error"] as { readonly message: string } | null | undefined
  const said = [agent["state_reason"], error?.message].filter((text) => typeof text === "string")
  return [`the agent is ${String(agent["state"])}`, ...said].join("; ")
}
