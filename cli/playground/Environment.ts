import { createHash } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inPlayground, playgroundFolder } from "./Folder.ts"
import { nginxPrefix } from "./Nginx.ts"
import type { NginxProgram } from "./Nginx.ts"
import type { Login, Settings } from "./Settings.ts"

export const masterEnvironment = (settings: Settings, login: Login): Readonly<Record<string, string>> => ({
  NXMESH_HTTP_ADDRESS: `127.0.0.1:${settings.httpPort}`,
  NXMESH_AGENT_ADDRESS: `127.0.0.1:${settings.agentPort}`,
  NXMESH_ADVERTISE_AGENT: `127.0.0.1:${settings.agentPort}`,
  NXMESH_DATA_DIR: inPlayground("master"),
  NXMESH_NODE_NAME: "playground",
  NXMESH_ADMIN_EMAIL: login.email,
  NXMESH_ADMIN_PASSWORD: login.password
})

/** Paths of unix sockets end at 107 bytes: in a deep checkout the agent's lies below the temporary folder. */
const runtimeDirectory = (): Readonly<Record<string, string>> => {
  if (Buffer.byteLength(join(nginxPrefix, "run")) <= 70) return {}
  const name = createHash("sha256").update(playgroundFolder).digest("hex").slice(0, 12)
  return { NXMESH_RUNTIME_DIR: join(tmpdir(), `nxmesh-${name}`) }
}

export const agentEnvironment = (
  settings: Settings,
  nginx: NginxProgram,
  enrolment: { readonly token: string; readonly ca_fingerprint: string } | undefined
): Readonly<Record<string, string>> => ({
  ...nginx.env,
  NXMESH_MASTER_URL: `wss://127.0.0.1:${settings.agentPort}`,
  NXMESH_DEPLOYMENT_MODE: "standalone",
  NXMESH_DATA_DIR: inPlayground("agent"),
  NXMESH_NGINX_PREFIX: nginxPrefix,
  NXMESH_NGINX_BINARY: nginx.binary,
  ...runtimeDirectory(),
  ...(enrolment === undefined
    ? {}
    : { NXMESH_AGENT_TOKEN: enrolment.token, NXMESH_CA_FINGERPRINT: enrolment.ca_fingerprint })
})
