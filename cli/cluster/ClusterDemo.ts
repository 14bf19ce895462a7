import type { Api, Resource } from "../playground/Api.ts"
import { ensure, ensureUpstream, ensureWorkspace, locations } from "../playground/Demo.ts"
import type { Demo } from "../playground/Demo.ts"
import type { ClusterSettings } from "./ClusterSettings.ts"

export interface SiteOfAgent extends Demo {
  readonly port: number
}

const ensureSite = async (
  api: Api,
  workspaceId: string,
  upstreamId: string,
  agent: Resource,
  port: number
): Promise<Resource> => {
  const name = `Site of ${String(agent["name"])}`
  const filter = { workspace_id: workspaceId, name }
  return ensure(api, "/virtual-hosts", filter, {
    workspace_id: workspaceId,
    name,
    server_name: "localhost",
    listen_port: port,
    target_agents: { scope: "agents", agent_ids: [agent.id] },
    locations: locations(`Hello from NxMesh, by ${String(agent["name"])}`, upstreamId)
  })
}

/** One agent with a site of its own for each port, all in one workspace. Makes what is missing. */
export const ensureClusterDemo = async (
  api: Api,
  settings: ClusterSettings
): Promise<{ readonly upstreamId: string; readonly sites: ReadonlyArray<SiteOfAgent> }> => {
  const workspaceId = await ensureWorkspace(api)
  const upstream = await ensureUpstream(api, workspaceId, settings.backend)
  const sites: Array<SiteOfAgent> = []
  for (const [at, port] of settings.sites.entries()) {
    const name = `agent-${at + 1}`
    const filter = { workspace_id: workspaceId, name }
    const agent = await ensure(api, "/agents", filter, { workspace_id: workspaceId, name })
    const site = await ensureSite(api, workspaceId, upstream.id, agent, port)
    const enrolment =
      agent["state"] === "Pending"
        ? await api.create<{ token: string; ca_fingerprint: string }>(`/agents/${agent.id}/tokens`, {})
        : undefined
    sites.push({ agent, site, enrolment, port })
  }
  return { upstreamId: upstream.id, sites }
}
