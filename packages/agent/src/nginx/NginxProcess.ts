/**
 * The running nginx: its master, found by the pid file and verified, and its workers. Verification matters because a
 * pid file outlives its process, and a HUP kills most programs that are not nginx.
 */
import { Effect } from "effect"
import { readFile } from "node:fs/promises"
import { kill } from "node:process"
import { NginxError } from "./NginxError.ts"
import { sidecarPidFileOf } from "./NginxInstance.ts"
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

/** The program as the master was called by, which USR2 starts again. */
export const programIn = (title: string): string => title.slice(masterTitle.length).split(/ -(?=[a-zA-Z?])/)[0] ?? ""

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

/** Every nginx master that this process sees. While a binary is upgraded the later one counts, the child of the other. */
export const masters = (): ReadonlyArray<number> => {
  const found = ProcessTable.allPids().filter((pid) => ProcessTable.title(pid).startsWith(masterTitle))
  const parents = new Set(found.map((pid) => ProcessTable.stat(pid)?.parentPid))
  return found.filter((pid) => !parents.has(pid))
}

/** Of these masters, the one that a sidecar's agent drives. `written` is the number in its pid file, if it has one. */
const onlyOne = (pids: ReadonlyArray<number>, written: number | null): number | NginxError => {
  const [pid, ...others] = pids
  if (pid === undefined) {
    const which = written === null ? "no nginx master" : `no nginx master that calls itself process ${written}`
    return notRunning(
      `nginx is not running: ${which} is among the processes. If it runs in its container, let the containers share a PID namespace`
    )
  }
  if (others.length === 0) return pid
  const message = `several nginx masters run here (processes ${pids.join(", ")}): put the pid file of yours on a shared volume and name it in NXMESH_NGINX_PID_FILE`
  return new NginxError({ reason: "not_nginx", message })
}

/** The master of a sidecar, among the processes. */
const findAmong = (written: number | null): Effect.Effect<NginxMaster, NginxError> =>
  Effect.suspend(() => {
    const pids = masters().filter((pid) => written === null || (ProcessTable.innerPid(pid) ?? pid) === written)
    const pid = onlyOne(pids, written)
    const found = pid instanceof NginxError ? pid : verify(pid, "/proc")
    return found instanceof NginxError ? Effect.fail(found) : Effect.succeed(found)
  })

const readPidFile = (pidFile: string): Effect.Effect<number, NginxError> =>
  Effect.tryPromise({
    try: () => readFile(pidFile, "utf8"),
    catch: () => notRunning(`nginx is not running: there is no readable pid file at ${pidFile}`)
  }).pipe(
    Effect.flatMap((text) => {
      const pid = /^\d+\s*$/.test(text) ? Number(text) : 0
      return pid < 1
        ? Effect.fail(notRunning(`nginx is not running: ${pidFile} holds no process id`))
        : Effect.succeed(pid)
    })
  )

/** The master that a pid file names, verified to be one. */
export const find = (pidFile: string): Effect.Effect<NginxMaster, NginxError> => {
  const shared = sidecarPidFileOf(pidFile)
  if (shared === null) return findAmong(null)
  if (shared !== undefined) return Effect.flatMap(readPidFile(shared), findAmong)
  return Effect.flatMap(readPidFile(pidFile), (pid) => {
    const found = verify(pid, pidFile)
    return found instanceof NginxError ? Effect.fail(found) : Effect.succeed(found)
  })
}

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

/** True for a master of any nginx. */
export const isMaster = (pid: number): boolean =>
  ProcessTable.title(pid).startsWith(masterTitle) && ProcessTable.stat(pid) !== null

/**
 * True when it was told to quit and waits for its last clients: its sockets are closed, so that nothing new is served. A master whose
 * workers have just died, or whose workers of an earlier configuration drain, does not quit.
 */
export const isQuitting = (master: ProcessTable.ProcessIdentity): boolean =>
  activeWorkers(master).length === 0 && drainingWorkers(master) > 0

/** The master of an earlier binary that still takes connections beside this one, or `null`. */
export const predecessor = (master: ProcessTable.ProcessIdentity): ProcessTable.ProcessIdentity | null => {
  const parent = ProcessTable.stat(master.pid)?.parentPid ?? 0
  const identity = isMaster(parent) ? ProcessTable.identify(parent) : null
  return identity !== null && activeWorkers(identity).length > 0 ? identity : null
}

/** True for a worker of any nginx, whatever it is doing. */
export const isWorker = (pid: number): boolean => workerTitle.test(ProcessTable.title(pid))

/** Signals a process, once more verified to be the same one. */
export const signal = (
  target: ProcessTable.ProcessIdentity,
  name: "SIGHUP" | "SIGQUIT" | "SIGTERM" | "SIGKILL" | "SIGUSR1" | "SIGUSR2" | "SIGWINCH"
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
