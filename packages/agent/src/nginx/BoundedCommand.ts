/** Runs a program with no standard input, a time limit and bounded output; on the limit its whole process group is killed. */
import { Duration, Effect } from "effect"
import { spawn } from "node:child_process"
import { kill } from "node:process"
import { Readable } from "node:stream"
import { Limits } from "../Limits.ts"
import { NginxError } from "./NginxError.ts"

export interface CommandResult {
  readonly exitCode: number
  /** The first part of what it wrote to standard output and error. */
  readonly stdout: string
  readonly stderr: string
  /** True when a line of standard output matched `watchFor`, however long the output was. */
  readonly seen: boolean
}

export interface Command {
  readonly program: string
  readonly arguments: ReadonlyArray<string>
  readonly timeout: Duration.Duration
  readonly cwd?: string
  /** A text to look for in all of standard output, of which only the start is kept. */
  readonly watchFor?: string
  /** How much of each output is kept, when the usual is too little. */
  readonly outputBytesMax?: number
  /** It may open /dev/stdout or /dev/stderr by name. Node gives a child sockets, which cannot be opened so (open(2), ENXIO). */
  readonly opensItsOutput?: boolean
}

/** Gives a command pipes of the kernel's for its output, and its exit status on descriptor 3. */
const throughPipes = '{ { "$@" 3>&-; echo "$?" >&3; } 2>&1 >&4 | cat >&2 3>&- 4>&-; } 4>&1 | cat 3>&-'

/** Keeps the start of a stream and looks for a text in all of it, also across chunks. */
const collect = (stream: Readable | null, watchFor: string | undefined, bytesMax: number) => {
  const found = { text: "", seen: false }
  let tail = ""
  stream?.setEncoding("utf8")
  stream?.on("data", (chunk: string) => {
    found.text += chunk.slice(0, Math.max(0, bytesMax - found.text.length))
    if (watchFor === undefined || found.seen) return
    const window = tail + chunk
    found.seen = window.includes(watchFor)
    tail = window.slice(-watchFor.length)
  })
  return found
}

/** What a command behind pipes ended with; its shell ends with 0. */
const exitCodeOf = (code: number, status: string): number => (/^\d+\n$/.test(status) ? Number(status) : code)

const failure = (program: string, message: string) =>
  new NginxError({ reason: "command", message: `${program}: ${message}` })

const start = (command: Command): Effect.Effect<CommandResult, NginxError> =>
  Effect.callback((resume) => {
    const [program, ...args] =
      command.opensItsOutput === true
        ? ["sh", "-c", throughPipes, "sh", command.program, ...command.arguments]
        : [command.program, ...command.arguments]
    const child = spawn(program, args, {
      // A daemon inherits what is open, and a pipe that it holds would keep its start from ending.
      stdio: ["ignore", "pipe", "pipe", command.opensItsOutput === true ? "pipe" : "ignore"],
      detached: true,
      ...(command.cwd === undefined ? {} : { cwd: command.cwd })
    })
    const bytesMax = command.outputBytesMax ?? Limits.commandOutputBytesMax
    // Both are pipes, as `stdio` says.
    const [, output, errors] = child.stdio as [null, Readable, Readable, Readable | null, undefined]
    const stdout = collect(output, command.watchFor, bytesMax)
    const stderr = collect(errors, undefined, bytesMax)
    const status = child.stdio[3] instanceof Readable ? collect(child.stdio[3], undefined, bytesMax) : { text: "" }
    child.on("error", (cause) => resume(Effect.fail(failure(command.program, cause.message))))
    child.on("close", (code, signal) =>
      resume(
        code === null
          ? Effect.fail(failure(command.program, `ended by ${signal}`))
          : Effect.succeed({
              exitCode: exitCodeOf(code, status.text),
              stdout: stdout.text,
              stderr: stderr.text,
              seen: stdout.seen
            })
      )
    )
    return Effect.sync(() => {
      if (child.pid === undefined || child.exitCode !== null) return
      try {
        kill(-child.pid, "SIGKILL")
      } catch {
        // It ended between the check and the signal.
      }
    })
  })

/** A non-zero exit is a result; failing to run at all, or running past the limit, is an error. */
export const run = (command: Command): Effect.Effect<CommandResult, NginxError> =>
  start(command).pipe(
    Effect.timeoutOrElse({
      duration: command.timeout,
      orElse: () => Effect.fail(failure(command.program, `did not end within ${Duration.format(command.timeout)}`))
    })
  )
