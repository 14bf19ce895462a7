// `npm start`: a playground on this machine. One master, one agent and one nginx as child processes, data in `.nxmesh/`.

import type { Server } from "node:http"
import { signIn } from "./playground/Api.ts"
import { startBackend } from "./playground/Backend.ts"
import { agentTrouble, ensureDemo } from "./playground/Demo.ts"
import { inPlayground, playgroundFolder } from "./playground/Folder.ts"
import { expectAnswer, launchAndExit } from "./playground/Launcher.ts"
import { findNginx, runningNginx, stopNginx } from "./playground/Nginx.ts"
import { Programs, stopProgram } from "./playground/Programs.ts"
import { agentEnvironment, masterEnvironment, nginxPrefix } from "./playground/Environment.ts"
import { loadLogin, loadSettings, loginFile } from "./playground/Settings.ts"
import { welcome } from "./playground/Welcome.ts"

const programs = new Programs(playgroundFolder)
let backend: Server | undefined

const start = async (): Promise<string> => {
  const nginx = await findNginx()
  const settings = await loadSettings({ nginxRuns: (await runningNginx(nginxPrefix)) !== undefined })
  const login = await loadLogin(loginFile)
  backend = await startBackend(settings.backendPort)
  const master = await programs.start({ name: "master", package: "master", env: masterEnvironment(settings, login) })
  const origin = `http://127.0.0.1:${settings.httpPort}`
  await expectAnswer(`${origin}/readyz`, master, () => Promise.resolve("the master is not ready"))
  const api = await signIn(origin, login)
  const demo = await ensureDemo(api, settings)
  const env = agentEnvironment({
    dataDirectory: inPlayground("agent"),
    prefix: nginxPrefix,
    nginx,
    masterPorts: [settings.agentPort],
    enrolment: demo.enrolment
  })
  const agent = await programs.start({ name: "agent", package: "agent", env })
  await expectAnswer(`http://localhost:${settings.sitePort}/`, agent, () => agentTrouble(api, demo.agent.id))
  return welcome({ settings, login, loginFile, siteId: demo.site.id, upstreamId: demo.upstreamId })
}

/** The agent first, so that it does not restart nginx; the master last, so that it hears the agent's farewell. */
const stop = async (): Promise<void> => {
  for (const program of programs.running.toReversed()) {
    await stopProgram(program)
    if (program.name === "agent") await stopNginx(nginxPrefix)
  }
  await stopNginx(nginxPrefix)
  backend?.closeAllConnections()
  backend?.close()
}

await launchAndExit({
  what: "playground",
  folder: playgroundFolder,
  programs,
  start,
  watch: () => Promise.race(programs.running.map((program) => program.ended)),
  stop
})
