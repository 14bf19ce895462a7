import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import type { Api } from "../playground/Api.ts"
import { waitFor } from "../playground/Api.ts"
import { expectAnswer } from "../playground/Launcher.ts"
import type { Programs, RunningProgram } from "../playground/Programs.ts"
import type { Login } from "../playground/Settings.ts"
import { inCluster } from "./ClusterSettings.ts"
import type { ClusterSettings, MasterPorts } from "./ClusterSettings.ts"

const keyFile = inCluster("secrets.key")

/** The same key on every master: the secrets in the replicated state are sealed with it. */
export const makeKeyFile = async (): Promise<void> => {
  if (!existsSync(keyFile)) await writeFile(keyFile, randomBytes(32), { mode: 0o600, flag: "wx" })
}

export const masterName = (at: number): string => `master-${at + 1}`

const dataDirectory = (at: number): string => inCluster(masterName(at))

const environment = (at: number, { agent, http, peer }: MasterPorts): Readonly<Record<string, string>> => ({
  NXMESH_HTTP_ADDRESS: `127.0.0.1:${http}`,
  NXMESH_AGENT_ADDRESS: `127.0.0.1:${agent}`,
  NXMESH_ADVERTISE_AGENT: `127.0.0.1:${agent}`,
  NXMESH_PEER_ADDRESS: `127.0.0.1:${peer}`,
  NXMESH_ADVERTISE_PEER: `127.0.0.1:${peer}`,
  NXMESH_DATA_DIR: dataDirectory(at),
  NXMESH_NODE_NAME: masterName(at),
  NXMESH_SECRETS_KEY_FILE: keyFile
})

/** An identity in the data directory says that it is a member already. */
export const isMember = (at: number): boolean => existsSync(inCluster(masterName(at), "node.json"))

export const origin = ({ http }: MasterPorts): string => `http://127.0.0.1:${http}`

export const isReady = (ports: MasterPorts, patienceMillis: number): Promise<boolean> =>
  waitFor(`${origin(ports)}/readyz`, () => true, patienceMillis)

/** Waits until a master that was started is ready, or ended. */
export const becomesReady = (program: RunningProgram, ports: MasterPorts): Promise<void> =>
  expectAnswer(`${origin(ports)}/readyz`, program, () => Promise.resolve(`${program.name} is not ready`))

/** Starts a master that makes the cluster, or is a member already; does not wait. */
export const startMaster = (
  programs: Programs,
  settings: ClusterSettings,
  at: number,
  login: Login
): Promise<RunningProgram> =>
  programs.start({
    name: masterName(at),
    package: "master",
    env: {
      ...environment(at, settings.masters[at]!),
      ...(at === 0 ? { NXMESH_ADMIN_EMAIL: login.email, NXMESH_ADMIN_PASSWORD: login.password } : {})
    }
  })

/** Starts a master that joins by a token which a member gives out. */
export const joinMaster = async (
  programs: Programs,
  settings: ClusterSettings,
  at: number,
  api: Api
): Promise<RunningProgram> => {
  const { token } = await api.create<{ token: string }>("/cluster/join-tokens", {})
  return programs.start({
    name: masterName(at),
    package: "master",
    env: {
      ...environment(at, settings.masters[at]!),
      NXMESH_JOIN: `127.0.0.1:${settings.masters[0]!.agent}`,
      NXMESH_JOIN_TOKEN: token
    }
  })
}
