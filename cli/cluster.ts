// `npm run cluster`: three masters, three agents and three nginx on this machine, data in `.nxmesh/cluster`.

import type { Server } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { ensureClusterDemo } from "./cluster/ClusterDemo.ts"
import type { SiteOfAgent } from "./cluster/ClusterDemo.ts"
import { clusterFolder, clusterLoginFile, inCluster, loadClusterSettings } from "./cluster/ClusterSettings.ts"
import type { ClusterSettings } from "./cluster/ClusterSettings.ts"
import { clusterWelcome } from "./cluster/ClusterWelcome.ts"
import { becomesReady, isMember, joinMaster, makeKeyFile, masterName, origin, startMaster } from "./cluster/Members.ts"
import { signIn } from "./playground/Api.ts"
import type { Api } from "./playground/Api.ts"
import { startBackend } from "./playground/Backend.ts"
import { agentTrouble } from "./playground/Demo.ts"
import { agentEnvironment } from "./playground/Environment.ts"
import { expectAnswer, launchAndExit } from "./playground/Launcher.ts"
import { findNginx, stopNginx } from "./playground/Nginx.ts"
import type { NginxProgram } from "./playground/Nginx.ts"
import { Programs, stopProgram } from "./playground/Programs.ts"
import type { RunningProgram } from "./playground/Programs.ts"
import { loadLogin } from "./playground/Settings.ts"
import type { Login } from "./playground/Settings.ts"

const restartAfterMillis = 5_000

const programs = new Programs(clusterFolder)
const masters: Array<RunningProgram> = []
const prefixes: Array<string> = []
let backend: Server | undefined
let isStopping = false
/** Starts a master again that ended. */
let startAgain: (at: number) => Promise<RunningProgram> = () => Promise.reject(new Error("nothing runs yet"))

/** Members of an earlier run start together, because one alone would wait for the others; then the rest joins. */
const startMasters = async (settings: ClusterSettings, login: Login): Promise<Api> => {
  const present = settings.masters.flatMap((_, at) => (at === 0 || isMember(at) ? [at] : []))
  for (const at of present) masters[at] = await startMaster(programs, settings, at, login)
  await Promise.all(present.map((at) => becomesReady(masters[at]!, settings.masters[at]!)))
  const api = await signIn(origin(settings.masters[0]!), login)
  for (const [at, ports] of settings.masters.entries()) {
    if (present.includes(at)) continue
    masters[at] = await joinMaster(programs, settings, at, api)
    await becomesReady(masters[at], ports)
  }
  return api
}

const startSite = async (api: Api, nginx: NginxProgram, settings: ClusterSettings, site: SiteOfAgent) => {
  const name = String(site.agent["name"])
  const prefix = inCluster(`nginx-${name}`)
  prefixes.push(prefix)
  const env = agentEnvironment({
    dataDirectory: inCluster(name),
    prefix,
    nginx,
    masterPorts: settings.masters.map(({ agent }) => agent),
    enrolment: site.enrolment
  })
  const agent = await programs.start({ name, package: "agent", env })
  await expectAnswer(`http://localhost:${site.port}/`, agent, () => agentTrouble(api, site.agent.id))
}

const start = async (): Promise<string> => {
  const nginx = await findNginx()
  const settings = await loadClusterSettings()
  const login = await loadLogin(clusterLoginFile)
  await makeKeyFile()
  backend = await startBackend(settings.backend)
  startAgain = (at) => startMaster(programs, settings, at, login)
  const api = await startMasters(settings, login)
  const demo = await ensureClusterDemo(api, settings)
  await Promise.all(demo.sites.map((site) => startSite(api, nginx, settings, site)))
  const pids = masters.map(({ process }) => process.pid)
  return clusterWelcome({ settings, login, loginFile: clusterLoginFile, folder: clusterFolder, pids })
}

/** A master that ends is started again, so that it can be killed as often as one likes. */
const watchMaster = async (at: number): Promise<never> => {
  for (;;) {
    await masters[at]!.ended.catch(() => undefined)
    if (isStopping) return new Promise<never>(() => undefined)
    process.stdout.write(`${masterName(at)} ended; it starts again in ${restartAfterMillis / 1_000} s\n`)
    await sleep(restartAfterMillis)
    if (isStopping) return new Promise<never>(() => undefined)
    masters[at] = await startAgain(at)
    process.stdout.write(`${masterName(at)} is process ${masters[at].process.pid}\n`)
  }
}

const watch = (): Promise<never> => Promise.race(masters.map((_, at) => watchMaster(at)))

/** The agents first, so that they do not restart nginx; the masters last, so that they hear the agents' farewell. */
const stop = async (): Promise<void> => {
  isStopping = true
  const isMaster = (program: RunningProgram): boolean => program.name.startsWith("master-")
  await Promise.all(programs.running.filter((program) => !isMaster(program)).map(stopProgram))
  await Promise.all(prefixes.map(stopNginx))
  await Promise.all(programs.running.filter(isMaster).map(stopProgram))
  backend?.closeAllConnections()
  backend?.close()
}

await launchAndExit({ what: "cluster", folder: clusterFolder, programs, start, watch, stop })
