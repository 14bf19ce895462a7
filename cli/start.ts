// `npm start`: a playground on this machine. One master, one agent and one nginx as child processes, data in `.nxmesh/`.

import type { Server } from "node:http"
import { signIn, waitFor } from "./playground/Api.ts"
import { startBackend } from "./playground/Backend.ts"
import { agentTrouble, ensureDemo } from "./playground/Demo.ts"
import { inPlayground, makePlaygroundFolder } from "./playground/Folder.ts"
import { findNginx, runningNginx, stopNginx } from "./playground/Nginx.ts"
import { Problem } from "./playground/Problem.ts"
import { forget, remember, startProgram, stopProgram, takeOver } from "./playground/Programs.ts"
import type { RunningProgram } from "./playground/Programs.ts"
import { agentEnvironment, masterEnvironment } from "./playground/Environment.ts"
import { loadLogin, loadSettings, loginFile } from "./playground/Settings.ts"
import { welcome } from "./playground/Welcome.ts"
import { stopRunning } from "./tooling/Program.ts"

const patienceMillis = 60_000

const programs: Array<RunningProgram> = []
let backend: Server | undefined

const launch = async (name: "master" | "agent", env: Readonly<Record<string, string>>): Promise<RunningProgram> => {
  const program = startProgram(name, env)
  programs.push(program)
  await remember(programs)
  return program
}

/** Waits for an address to answer; a program that ends meanwhile is the better explanation. */
const expect = async (url: string, program: RunningProgram, explain: () => Promise<string>): Promise<void> => {
  if (await Promise.race([waitFor(url, () => true, patienceMillis), program.ended])) return
  const log = inPlayground("log", `${program.name}.log`)
  throw new Problem(`${url} does not answer: ${await explain()}; see ${log}`)
}

/** Starts everything; answers what to print once the demo site is served. */
const start = async (): Promise<string> => {
  const nginx = await findNginx()
  const settings = await loadSettings({ nginxRuns: (await runningNginx()) !== undefined })
  const login = await loadLogin()
  backend = await startBackend(settings.backendPort)
  const master = await launch("master", masterEnvironment(settings, login))
  const origin = `http://127.0.0.1:${settings.httpPort}`
  await expect(`${origin}/readyz`, master, () => Promise.resolve("the master is not ready"))
  const api = await signIn(origin, login)
  const demo = await ensureDemo(api, settings)
  const agent = await launch("agent", agentEnvironment(settings, nginx, demo.enrolment))
  await expect(`http://localhost:${settings.sitePort}/`, agent, () => agentTrouble(api, demo.agent.id))
  return welcome({ settings, login, loginFile, siteId: demo.site.id, upstreamId: demo.upstreamId })
}

/** The agent first, so that it does not restart nginx; the master last, so that it hears the agent's farewell. */
const stop = async (): Promise<void> => {
  stopRunning()
  for (const program of programs.toReversed()) {
    await stopProgram(program)
    if (program.name === "agent") await stopNginx()
  }
  await stopNginx()
  backend?.closeAllConnections()
  backend?.close()
  await forget()
}

const interrupted = new Promise<"interrupted">((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve("interrupted"))
  // The launcher is gone without a word: nobody could stop what runs here.
  process.on("disconnect", () => resolve("interrupted"))
  process.channel?.unref()
})

const serve = async (): Promise<number> => {
  const started = await Promise.race([start(), interrupted])
  if (started !== "interrupted") {
    process.stdout.write(`${started}\n`)
    await Promise.race([interrupted, ...programs.map((program) => program.ended)])
  }
  process.stdout.write("\nStopping\n")
  return 0
}

const describe = (problem: unknown): string =>
  problem instanceof Problem
    ? problem.message
    : problem instanceof Error
      ? (problem.stack ?? problem.message)
      : String(problem)

const main = async (): Promise<number> => {
  await makePlaygroundFolder()
  await takeOver()
  try {
    return await serve()
  } catch (problem) {
    process.stderr.write(`\n${describe(problem)}\n`)
    return 1
  } finally {
    await stop()
  }
}

const exitCode = await main().catch((problem: unknown) => {
  process.stderr.write(`${describe(problem)}\n`)
  return 1
})
process.exit(exitCode)
