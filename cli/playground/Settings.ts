import { randomBytes } from "node:crypto"
import { inPlayground, readJson, writePrivately } from "./Folder.ts"
import { freePort } from "./Ports.ts"

/** What the playground decided on its first run and keeps. */
export interface Settings {
  readonly httpPort: number
  readonly agentPort: number
  /** Where nginx serves the demo site. */
  readonly sitePort: number
  /** Where the demo site's backend listens. */
  readonly backendPort: number
}

/** The first login, in the form that `curl -d @…` sends. */
export interface Login {
  readonly email: string
  readonly password: string
}

const settingsFile = inPlayground("playground.json")
export const loginFile = inPlayground("login.json")

const loopback = "127.0.0.1"
const everywhere = "0.0.0.0"

/**
 * Takes the ports of the last run, or the usual ones, or others when those are taken. While nginx of an earlier run still serves the
 * site, that port is its own and stays.
 */
export const loadSettings = async (options: { readonly nginxRuns: boolean }): Promise<Settings> => {
  const kept = await readJson<Settings>(settingsFile)
  const settings: Settings = {
    httpPort: await freePort(loopback, kept?.httpPort ?? 8080),
    agentPort: await freePort(loopback, kept?.agentPort ?? 8443),
    sitePort:
      kept !== undefined && options.nginxRuns ? kept.sitePort : await freePort(everywhere, kept?.sitePort ?? 8088),
    backendPort: await freePort(loopback, kept?.backendPort ?? 0)
  }
  await writePrivately(settingsFile, settings)
  return settings
}

/** Generates the password once; the file is readable by its owner only. */
export const loadLogin = async (file: string): Promise<Login> => {
  const kept = await readJson<Login>(file)
  if (kept !== undefined) return kept
  const login = { email: "admin@example.com", password: randomBytes(18).toString("base64url") }
  await writePrivately(file, login)
  return login
}
