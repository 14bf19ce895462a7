import { readdir, readFile, readlink } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { runVariable } from "./RunFolder.ts"
import type { RunFolder } from "./RunFolder.ts"

export interface LeftProcess {
  readonly pid: number
  readonly command: string
}

/** What /proc tells about one process; unreadable parts are empty. */
export interface ProcessFacts {
  readonly environment: string
  readonly command: string
  readonly openPaths: ReadonlyArray<string>
}

/**
 * Whether a process was started by a run. The environment tells, except for nginx, which overwrites it with its title: nginx is known
 * by a command line, a working directory or an open file inside the run's folder.
 */
export const belongsToRun = (facts: ProcessFacts, run: Pick<RunFolder, "id" | "path">): boolean =>
  facts.environment.split("\0").includes(`${runVariable}=${run.id}`) ||
  facts.command.includes(`${run.path}/`) ||
  facts.openPaths.some((path) => path === run.path || path.startsWith(`${run.path}/`))

const readOr = async <A>(read: Promise<A>, otherwise: A): Promise<A> => {
  try {
    return await read
  } catch {
    // The process ended meanwhile, or belongs to somebody else.
    return otherwise
  }
}

const factsOf = async (pid: string): Promise<ProcessFacts> => {
  const [environment, command, descriptors] = await Promise.all([
    readOr(readFile(`/proc/${pid}/environ`, "utf8"), ""),
    readOr(readFile(`/proc/${pid}/cmdline`, "utf8"), ""),
    readOr(readdir(`/proc/${pid}/fd`), [])
  ])
  const links = [`/proc/${pid}/cwd`, ...descriptors.map((descriptor) => `/proc/${pid}/fd/${descriptor}`)]
  const openPaths = await Promise.all(links.map((link) => readOr(readlink(link), "")))
  return { environment, command, openPaths }
}

/** Zombies hold nothing: their parent has not asked for them yet. */
const isZombie = async (pid: string): Promise<boolean> =>
  /^\d+ \(.*\) Z/s.test(await readOr(readFile(`/proc/${pid}/stat`, "utf8"), ""))

const findLeft = async (run: RunFolder): Promise<ReadonlyArray<LeftProcess>> => {
  const left: Array<LeftProcess> = []
  for (const pid of await readOr(readdir("/proc"), [])) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid || (await isZombie(pid))) continue
    const facts = await factsOf(pid)
    if (belongsToRun(facts, run)) left.push({ pid: Number(pid), command: facts.command.replaceAll("\0", " ").trim() })
  }
  return left
}

const graceDefaultMillis = 5000

/** Processes of the run that are still there after a grace. Linux only; elsewhere none are found. */
export const leftProcesses = async (
  run: RunFolder,
  graceMillis = graceDefaultMillis
): Promise<ReadonlyArray<LeftProcess>> => {
  const deadline = performance.now() + graceMillis
  let left = await findLeft(run)
  while (left.length > 0 && performance.now() < deadline) {
    await sleep(100)
    left = await findLeft(run)
  }
  return left
}

/** Ends what a failed run left behind: these processes are the run's own. */
export const endLeftProcesses = (left: ReadonlyArray<LeftProcess>): void => {
  for (const { pid } of left) {
    try {
      process.kill(pid, "SIGKILL")
    } catch {
      // It ended by itself meanwhile.
    }
  }
}
