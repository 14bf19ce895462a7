import { quote, tokenLine } from "../playground/Welcome.ts"
import type { Login } from "../playground/Settings.ts"
import { masterName, origin } from "./Members.ts"
import type { ClusterSettings } from "./ClusterSettings.ts"

export interface ClusterWelcomeOptions {
  readonly settings: ClusterSettings
  readonly login: Login
  readonly loginFile: string
  readonly folder: string
  /** Of each master, in the order of the settings. */
  readonly pids: ReadonlyArray<number>
}

/** What the person at the terminal is told: where everything is, one line that says who leads, and one that breaks it. */
export const clusterWelcome = (options: ClusterWelcomeOptions): string => {
  const { folder, login, loginFile, pids, settings } = options
  const masters = settings.masters.map(
    (ports, at) =>
      `  ${masterName(at)}      ${origin(ports)}   (process ${pids[at]}; peers ${ports.peer}, agents ${ports.agent})`
  )
  const sites = settings.sites.map((port, at) => `  Site ${at + 1}        http://localhost:${port}/`)
  const last = settings.masters[settings.masters.length - 1]!
  const authorization = `authorization: Bearer $(${tokenLine(origin(last), loginFile)})`
  return `
NxMesh runs: three masters, three agents, three nginx. Ctrl-C stops all; data and logs are in ${folder}

${masters.join("\n")}
  Console       ${origin(settings.masters[0]!)}/   (on each master)
  API docs      ${origin(settings.masters[0]!)}/api/docs
  First login   ${login.email}  ${login.password}   (kept in ${loginFile})
${sites.join("\n")}

See who leads:

  curl -s -w '\\n' -H "${authorization}" ${quote(`${origin(last)}/api/v1/cluster`)}

Break it: a master that is killed is started again five seconds later, and the others go on meanwhile.

  kill -9 ${pids[0]}
`
}
