import { spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync, renameSync } from "node:fs"
import { readFile, rm } from "node:fs/promises"
import { inCheckout } from "../tooling/Checkout.ts"
import { inPlayground, readJson, writePrivately } from "./Folder.ts"
import { Problem } from "./Problem.ts"
import { endProcess, identify, isAlive } from "./ProcessIdentity.ts"
import type { ProcessIdentity } from "./ProcessIdentity.ts"

export type ProgramName = "master" | "agent"

export interface RunningProgram {
  readonly name: ProgramName
  readonly process: ProcessIdentity
  /** Fails when the program ends, with the end of its log. */
  readonly ended: Promise<never>
}

const runFile = inPlayground("run.json")
const patienceMillis = 10_000

const logFile = (name: ProgramName): string => inPlayground("log", `${name}.log`)

/** A log per run; the one before is kept beside it. */
const openLog = (name: ProgramName): number => {
  try {
    renameSync(logFile(name), `${logFile(name)}.1`)
  } catch {
    // The first run has none.
  }
  return openSync(logFile(name), "a", 0o600)
}

const endOfLog = async (name: ProgramName): Promise<string> =>
  (await readFile(logFile(name), "utf8")).trimEnd().split("\n").slice(-8).join("\n")

/** Starts a program of this repository by its path, its output in `.nxmesh/log`. */
export const startProgram = (name: ProgramName, env: Readonly<Record<string, string>>): RunningProgram => {
  const log = openLog(name)
  const child = spawn(process.execPath, [inCheckout("packages", name, "src", "main.ts")], {
    cwd: inPlayground(),
    env: { ...process.env, ...env },
    stdio: ["ignore", log, log]
  })
  closeSync(log)
  const identity = child.pid === undefined ? undefined : identify(child.pid)
  const ended = once(child, "exit").then(async ([code, signal]) => {
    throw new Problem(
      `the ${name} ended by itself (${signal ?? code}); ${logFile(name)} ends with:\n${await endOfLog(name)}`
    )
  })
  // Nobody may be listening when it ends on purpose.
  ended.catch(() => undefined)
  if (identity === undefined) throw new Problem(`the ${name} could not be started; see ${logFile(name)}`)
  return { name, process: identity, ended }
}

export const stopProgram = (program: RunningProgram): Promise<void> =>
  endProcess(program.process, "SIGTERM", patienceMillis)

/** Remembers what runs, for a next run that finds it because this one was killed. */
export const remember = (programs: ReadonlyArray<RunningProgram>): Promise<void> =>
  writePrivately(runFile, {
    playground: identify(process.pid),
    programs: programs.map((program) => program.process)
  })

export const forget = (): Promise<void> => rm(runFile, { force: true })

/** Refuses beside a playground that runs, and ends what one that was killed has left. */
export const takeOver = async (): Promise<void> => {
  const last = await readJson<{ playground?: ProcessIdentity; programs: ReadonlyArray<ProcessIdentity> }>(runFile)
  if (last === undefined) return
  if (last.playground !== undefined && isAlive(last.playground)) {
    throw new Problem(
      `the playground of this checkout already runs (process ${last.playground.pid}); stop it with Ctrl-C`
    )
  }
  await Promise.all(last.programs.map((process) => endProcess(process, "SIGTERM", patienceMillis)))
  await forget()
}
