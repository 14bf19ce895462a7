/** Programs of this repository as child processes: started by path, their output kept, ended with the test's scope. */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { bundleFolder, nodeFlags, type ProgramName, programs, testBundles } from "../../cli/bundle/Bundle.ts"

const repository = fileURLToPath(new URL("../..", import.meta.url))

export interface Program {
  readonly pid: number
  /** Everything printed so far, both streams. */
  readonly output: () => string
  /** The exit code or signal, once it ended. */
  readonly ended: () => number | string | null
  /** Sends a signal and waits until the process is gone. */
  readonly end: (signal: NodeJS.Signals) => Effect.Effect<void>
}

export interface ProgramOptions {
  /** Relative to the repository. Programs of the product run from their bundle (cli/bundle), scripts of tests as they are. */
  readonly path: string
  readonly arguments?: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  /** What its command line begins with, to run it elsewhere: a network namespace. It must replace itself by the program. */
  readonly prefix?: ReadonlyArray<string>
}

const outputCharactersMax = 4_000_000

/** Found once: the programs of a test are of one content, whoever edits meanwhile. */
let bundle: Promise<string> | undefined

/** The module to start, and what makes it start fast. */
const moduleOf = async (path: string) => {
  const name = (Object.keys(programs) as ReadonlyArray<ProgramName>).find((one) => programs[one] === path)
  if (name === undefined) return { file: `${repository}/${path}`, flags: [], environment: {} }
  const folder = await (bundle ??= bundleFolder(testBundles))
  return {
    file: `${folder}/${name}.mjs`,
    flags: nodeFlags[name],
    environment: { NODE_COMPILE_CACHE: `${folder}/compiled` }
  }
}

const start = (options: ProgramOptions) =>
  Effect.promise(async (): Promise<Program & { readonly child: ChildProcess }> => {
    const { environment, file, flags } = await moduleOf(options.path)
    const [command, ...rest] = [...(options.prefix ?? []), process.execPath, ...flags, file]
    const child = spawn(command ?? process.execPath, [...rest, ...(options.arguments ?? [])], {
      cwd: repository,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        TMPDIR: process.env.TMPDIR,
        ...marker(),
        ...environment,
        ...options.environment
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    let output = ""
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-outputCharactersMax)
    }
    child.stdout.on("data", keep)
    child.stderr.on("data", keep)
    let ended: number | string | null = null
    child.once("exit", (code, signal) => {
      ended = code ?? signal
    })
    const gone = Effect.callback<void>((resume) => {
      if (ended !== null) resume(Effect.void)
      else child.once("exit", () => resume(Effect.void))
    })
    return {
      child,
      pid: child.pid ?? -1,
      output: () => output,
      ended: () => ended,
      end: (signal) =>
        Effect.suspend(() => {
          if (ended === null) child.kill(signal)
          return gone
        })
    }
  })

/** Starts a program; the end of the scope stops it in good order, and by force when it does not go within 10 s. */
export const program = (options: ProgramOptions): Effect.Effect<Program, never, Scope.Scope> =>
  Effect.acquireRelease(start(options), ({ end }) =>
    end("SIGTERM").pipe(Effect.timeoutOrElse({ duration: "10 seconds", orElse: () => end("SIGKILL") }))
  )

/** The suite marks its processes by a variable, to find those that outlive it. */
const marker = (): Record<string, string> => {
  const id = process.env.NXMESH_TEST_RUN
  return id === undefined ? {} : { NXMESH_TEST_RUN: id }
}
