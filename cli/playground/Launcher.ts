import { stopRunning } from "../tooling/Program.ts"
import { waitFor } from "./Api.ts"
import { makeRunFolder } from "./Folder.ts"
import { describeProblem, Problem } from "./Problem.ts"
import type { Programs, RunningProgram } from "./Programs.ts"

export interface Launch {
  /** In messages, as in "the playground already runs". */
  readonly what: string
  readonly folder: string
  readonly programs: Programs
  /** Starts everything; answers what to print once it is served. */
  readonly start: () => Promise<string>
  /** Watches what runs; fails when there is no point in going on. */
  readonly watch: () => Promise<never>
  /** Ends everything, also what is half started. */
  readonly stop: () => Promise<void>
}

const patienceMillis = 60_000

/** Waits for an address to answer; a program that ends meanwhile is the better explanation. */
export const expectAnswer = async (
  url: string,
  program: RunningProgram,
  explain: () => Promise<string>
): Promise<void> => {
  if (await Promise.race([waitFor(url, () => true, patienceMillis), program.ended])) return
  throw new Problem(`${url} does not answer: ${await explain()}; see ${program.logFile}`)
}

const interrupted = (): Promise<"interrupted"> =>
  new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => resolve("interrupted"))
    // The launcher is gone without a word: nobody could stop what runs here.
    process.on("disconnect", () => resolve("interrupted"))
    process.channel?.unref()
  })

const serve = async (launch: Launch, interruption: Promise<"interrupted">): Promise<number> => {
  const started = await Promise.race([launch.start(), interruption])
  if (started !== "interrupted") {
    process.stdout.write(`${started}\n`)
    await Promise.race([interruption, launch.watch()])
  }
  process.stdout.write("\nStopping\n")
  return 0
}

const run = async (launch: Launch): Promise<number> => {
  const interruption = interrupted()
  await makeRunFolder(launch.folder)
  await launch.programs.takeOver(launch.what)
  try {
    return await serve(launch, interruption)
  } catch (problem) {
    process.stderr.write(`\n${describeProblem(problem)}\n`)
    return 1
  } finally {
    stopRunning()
    await launch.stop()
    await launch.programs.forget()
  }
}

/** Runs it until Ctrl-C, and ends this process. */
export const launchAndExit = async (launch: Launch): Promise<never> => {
  const exitCode = await run(launch).catch((problem: unknown) => {
    process.stderr.write(`${describeProblem(problem)}\n`)
    return 1
  })
  process.exit(exitCode)
}
