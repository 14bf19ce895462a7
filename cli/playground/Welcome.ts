import { locations } from "./Demo.ts"
import type { Login, Settings } from "./Settings.ts"

export interface WelcomeOptions {
  readonly settings: Settings
  readonly login: Login
  /** Holds the login in JSON. */
  readonly loginFile: string
  readonly siteId: string
  readonly upstreamId: string
}

/** One argument for the shell. */
export const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

const json = `-H 'content-type: application/json'`

/** A command line that signs in and prints an access token. */
export const tokenLine = (origin: string, loginFile: string): string =>
  `curl -s ${json} -d @${quote(loginFile)} ${origin}/api/v1/auth/login | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/'`

/** What the person at the terminal is told: where everything is, and one line that changes the site. */
export const welcome = ({ settings, login, loginFile, siteId, upstreamId }: WelcomeOptions): string => {
  const origin = `http://127.0.0.1:${settings.httpPort}`
  const site = `http://localhost:${settings.sitePort}/`
  const change = JSON.stringify({ locations: locations("Hello again", upstreamId) })
  return `
NxMesh runs: one master, one agent, one nginx. Ctrl-C stops all three.

  Console       ${origin}/
  API docs      ${origin}/api/docs
  First login   ${login.email}  ${login.password}   (kept in ${loginFile})
  Demo site     ${site}   (behind it, proxied: ${site}backend/)

Change the demo site:

  curl -s -X PATCH ${json} -H "authorization: Bearer $(${tokenLine(origin, loginFile)})" -d ${quote(change)} ${origin}/api/v1/virtual-hosts/${siteId}

and read it from nginx:

  curl -s -w '\\n' ${site}
`
}
