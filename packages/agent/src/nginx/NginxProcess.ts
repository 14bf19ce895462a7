/**
 * The running nginx: its master, found by the pid file and verified, and its workers. Verification matters because a
 * pid file outlives its process, and a HUP kills most programs that are not nginx.
 */
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { kill } from "node:process"
import { NginxError } from "./NginxError.ts"
import * as ProcessTable from "./ProcessTable.ts"

/** The arguments that the master was started with and that every run of its binary has to repeat. */
export interface MasterArguments {
  readonly configurationFile: string | null
  readonly prefix: string | null
  readonly globalDirectives: string | null
}

/** How to run the binary so that it reads what the master reads, or would read. */
export interface NginxCommand {
  /** Of a running master: the very binary that runs, also after an upgrade replaced the file on disk. */
  readonly executable: string
  readonly arguments: MasterArguments
}

export interface NginxMaster extends ProcessTable.ProcessIdentity, NginxCommand {}

const masterTitle = "nginx: master process "
const workerTitle = /^nginx: (worker|cache manager|cache loader) process/
const leavingTitle = /^nginx: .* is shutting down/

/**
 * Reads `-c`, `-p` and `-g` from a master's title. nginx joins its arguments with spaces and quotes nothing, so a value
 * reaches to the next option of nginx's own.
 */
export const parseArguments = (title: string): MasterArguments => {
  const value = (option: string): string | null =>
    new RegExp(` -${option} ?(.+?)(?= -(?:[cpge] ?[^ ]|[tTqvVh?](?: |$))|$)`).exec(title)?.[1] ?? null
  return { configurationFile: value("c"), prefix: value("p"), globalDirectives: value("g") }
}

/** The arguments as a command line has them. */
export const commandLine = (parsed: MasterArguments): ReadonlyArray<string> => [
  ...(parsed.prefix === null ? [] : ["-p", parsed.prefix]),
  ...(parsed.configurationFile === null ? [] : ["-c", parsed.configurationFile]),
  ...(parsed.globalDirectives === null ? [] : ["-g", parsed.globalDirectives])
]

const notRunning = (message: string) => new NginxError({ reason: "not_running", message })

const verify = (pid: number, pidFile: string): NginxMaster | NginxError => {
  const identity = ProcessTable.identify(pid)
  if (identity === null) return notRunning(`nginx is not running: ${pidFile} names process ${pid}, which has ended`)
  const title = ProcessTable.title(pid)
  if (!title.startsWith(masterTitle)) {
    return new NginxError({
      reason: "not_nginx",
      message: `${pidFile} names process ${pid}, which is not an nginx master ("${title.slice(0, 80)}"); remove the file and start nginx`
    })
  }
  return {
    ...identity,
    executable: `/proc/${pid}/exe`,
    arguments: parseArguments(title.slice(masterTitle.length - 1))
  }
}

/** The master that a pid file names, verified to be one. */
export const find = (pidFile: string): Effect.Effect<NginxMaster, NginxError> =>
  Effect.tryPromise({
    try: () => readFile(pidFile, "utf8"),
    catch: () => notRunning(`nginx is not running: there is no readable pid file at ${pidFile}`)
  }).pipe(
    Effect.flatMap((text) => {
      const pid = /^\d+\s*$/.test(text) ? Number(text) : 0
      if (pid <= 1) return Effect.fail(notRunning(`nginx is not running: ${pidFile} holds no process id`))
      const found = verify(pid, pidFile)
      return found instanceof NginxError ? Effect.fail(found) : Effect.succeed(found)
    })
  )

/** Workers that take connections: helpers count too, because they hold the old configuration. Exiting ones do not. */
export const activeWorkers = (master: ProcessTable.ProcessIdentity): ReadonlyArray<ProcessTable.ProcessIdentity> =>
  ProcessTable.children(master.pid).filter(({ pid }) => {
    const title = ProcessTable.title(pid)
    return workerTitle.test(title) && !leavingTitle.test(title)
  })

/** True when the process has ended or says that it is shutting down. */
export const isLeaving = (worker: ProcessTable.ProcessIdentity): boolean =>
  !ProcessTable.isAlive(worker) || leavingTitle.test(ProcessTable.title(worker.pid))

/** Workers that still drain connections of earlier configurations. */
export const drainingWorkers = (master: ProcessTable.ProcessIdentity): number =>
  ProcessTable.children(master.pid).filter(({ pid }) => leavingTitle.test(ProcessTable.title(pid))).length

/** True for a worker of any nginx, whatever it is doing. */
export const isWorker = (pid: number): boolean => workerTitle.test(ProcessTable.title(pid))

/** Signals a process, once more verified to be the same one. */
export const signal = (
  target: ProcessTable.ProcessIdentity,
  name: "SIGHUP" | "SIGQUIT" | "SIGTERM" | "SIGKILL"
): Effect.Effect<void, NginxError> =>
  Effect.try({
    try: () => {
      if (!ProcessTable.isAlive(target)) throw new Error("it has ended")
      kill(target.pid, name)
    },
    catch: (cause) =>
      new NginxError({
        reason: "not_running",
        message: `cannot send ${name} to nginx process ${target.pid}: ${cause instanceof Error ? cause.message : String(cause)}`
      })
  })
