import { spawn } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync, renameSync } from "node:fs"
import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { nodeFlags } from "../bundle/Bundle.ts"
import { consoleFolder } from "../console/ConsoleBuild.ts"
import { inCheckout } from "../tooling/Checkout.ts"
import { readJson, writePrivately } from "./Folder.ts"
import { Problem } from "./Problem.ts"
import { endProcess, identify, isAlive } from "./ProcessIdentity.ts"
import type { ProcessIdentity } from "./ProcessIdentity.ts"

export interface ProgramToStart {
  /** Of its log, and in messages. */
  readonly name: string
  readonly package: "master" | "agent"
  readonly env: Readonly<Record<string, string>>
}

export interface RunningProgram {
  readonly name: string
  readonly process: ProcessIdentity
  readonly logFile: string
  /** Fails when the program ends, with the end of its log. */
  readonly ended: Promise<never>
}

const patienceMillis = 10_000

/** A log per run; the one before is kept beside it. */
const openLog = (logFile: string): number => {
  try {
    renameSync(logFile, `${logFile}.1`)
  } catch {
    // The first run has none.
  }
  return openSync(logFile, "a", 0o600)
}

const endOfLog = async (logFile: string): Promise<string> =>
  (await readFile(logFile, "utf8")).trimEnd().split("\n").slice(-8).join("\n")

export const stopProgram = (program: RunningProgram): Promise<void> =>
  endProcess(program.process, "SIGTERM", patienceMillis)

/** The programs of one run in one folder, each started by its path, its output in the folder's `log`. */
export class Programs {
  /** In the order in which they were started. */
  readonly running: Array<RunningProgram> = []
  private readonly folder: string
  private readonly runFile: string
  private remembered: Promise<void> = Promise.resolve()

  constructor(folder: string) {
    this.folder = folder
    this.runFile = join(folder, "run.json")
  }

  /** Starts a program, and remembers it for a next run that finds it because this one was killed. */
  async start({ env, name, package: from }: ProgramToStart): Promise<RunningProgram> {
    const logFile = join(this.folder, "log", `${name}.log`)
    // Every master serves the console, as it is at its start.
    const served: Readonly<Record<string, string>> =
      from === "master" ? { NXMESH_CONSOLE_DIR: await consoleFolder() } : {}
    const log = openLog(logFile)
    const child = spawn(process.execPath, [...nodeFlags[from], inCheckout("cli", "program.ts"), from], {
      cwd: this.folder,
      env: { ...process.env, ...served, ...env },
      stdio: ["ignore", log, log]
    })
    closeSync(log)
    const identity = child.pid === undefined ? undefined : identify(child.pid)
    const ended = once(child, "exit").then(async ([code, signal]) => {
      throw new Problem(
        `the ${name} ended by itself (${signal ?? code}); ${logFile} ends with:\n${await endOfLog(logFile)}`
      )
    })
    // Nobody may be listening when it ends on purpose.
    ended.catch(() => undefined)
    if (identity === undefined) throw new Problem(`the ${name} could not be started; see ${logFile}`)
    const program = { name, process: identity, logFile, ended }
    this.running.push(program)
    await this.remember()
    return program
  }

  forget(): Promise<void> {
    return rm(this.runFile, { force: true })
  }

  /** Refuses beside a run in this folder that still goes on, and ends what one that was killed has left. */
  async takeOver(what: string): Promise<void> {
    const last = await readJson<{ launcher?: ProcessIdentity; programs: ReadonlyArray<ProcessIdentity> }>(this.runFile)
    if (last === undefined) return
    if (last.launcher !== undefined && isAlive(last.launcher)) {
      throw new Problem(`the ${what} of this checkout already runs (process ${last.launcher.pid}); stop it with Ctrl-C`)
    }
    await Promise.all(last.programs.map((process) => endProcess(process, "SIGTERM", patienceMillis)))
    await this.forget()
  }

  /** One after the other: programs may be started at once. */
  private remember(): Promise<void> {
    this.remembered = this.remembered.then(() =>
      writePrivately(this.runFile, {
        launcher: identify(process.pid),
        programs: this.running.map((program) => program.process)
      })
    )
    return this.remembered
  }
}
