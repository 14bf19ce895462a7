import { createHash } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inPlayground } from "./Folder.ts"
import type { NginxProgram } from "./Nginx.ts"
import type { Login, Settings } from "./Settings.ts"

export const masterEnvironment = (settings: Settings, login: Login): Readonly<Record<string, string>> => ({
  NXMESH_HTTP_ADDRESS: `127.0.0.1:${settings.httpPort}`,
  NXMESH_AGENT_ADDRESS: `127.0.0.1:${settings.agentPort}`,
  NXMESH_ADVERTISE_AGENT: `127.0.0.1:${settings.agentPort}`,
  // No other master is to reach it, so any port will do.
  NXMESH_PEER_ADDRESS: "127.0.0.1:0",
  NXMESH_DATA_DIR: inPlayground("master"),
  NXMESH_NODE_NAME: "playground",
  NXMESH_ADMIN_EMAIL: login.email,
  NXMESH_ADMIN_PASSWORD: login.password
})

/** Where the playground's agent runs its own nginx. */
export const nginxPrefix = inPlayground("site")

/** Paths of unix sockets end at 107 bytes: in a deep checkout the agent's lies below the temporary folder. */
const runtimeDirectory = (prefix: string): Readonly<Record<string, string>> => {
  if (Buffer.byteLength(join(prefix, "run")) <= 70) return {}
  const name = createHash("sha256").update(prefix).digest("hex").slice(0, 12)
  return { NXMESH_RUNTIME_DIR: join(tmpdir(), `nxmesh-${name}`) }
}

export interface AgentPlace {
  readonly dataDirectory: string
  /** Of its own nginx. */
  readonly prefix: string
  readonly nginx: NginxProgram
  /** Where the masters listen for agents. */
  readonly masterPorts: ReadonlyArray<number>
  /** For an agent that has not enrolled yet. */
  readonly enrolment: { readonly token: string; readonly ca_fingerprint: string } | undefined
}

export const agentEnvironment = (place: AgentPlace): Readonly<Record<string, string>> => ({
  ...place.nginx.env,
  NXMESH_MASTER_URL: place.masterPorts.map((port) => `wss://127.0.0.1:${port}`).join(","),
  NXMESH_DEPLOYMENT_MODE: "standalone",
  NXMESH_DATA_DIR: place.dataDirectory,
  NXMESH_NGINX_PREFIX: place.prefix,
  NXMESH_NGINX_BINARY: place.nginx.binary,
  ...runtimeDirectory(place.prefix),
  ...(place.enrolment === undefined
    ? {}
    : { NXMESH_AGENT_TOKEN: place.enrolment.token, NXMESH_CA_FINGERPRINT: place.enrolment.ca_fingerprint })
})
