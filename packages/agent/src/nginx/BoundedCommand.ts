/** Runs a program with no standard input, a time limit and bounded output; on the limit its whole process group is killed. */
import { Duration, Effect } from "effect"
import { spawn } from "node:child_process"
import { kill } from "node:process"
import type { Readable } from "node:stream"
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
}

/** Keeps the start of a stream and looks for a text in all of it, also across chunks. */
const collect = (stream: Readable, watchFor: string | undefined, bytesMax: number) => {
  const found = { text: "", seen: false }
  let tail = ""
  stream.setEncoding("utf8")
  stream.on("data", (chunk: string) => {
    found.text += chunk.slice(0, Math.max(0, bytesMax - found.text.length))
    if (watchFor === undefined || found.seen) return
    const window = tail + chunk
    found.seen = window.includes(watchFor)
    tail = window.slice(-watchFor.length)
  })
  return found
}

const failure = (program: string, message: string) =>
  new NginxError({ reason: "command", message: `${program}: ${message}` })

const start = (command: Command): Effect.Effect<CommandResult, NginxError> =>
  Effect.callback((resume) => {
    const child = spawn(command.program, command.arguments, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
      ...(command.cwd === undefined ? {} : { cwd: command.cwd })
    })
    const bytesMax = command.outputBytesMax ?? Limits.commandOutputBytesMax
    const stdout = collect(child.stdout, command.watchFor, bytesMax)
    const stderr = collect(child.stderr, undefined, bytesMax)
    child.on("error", (cause) => resume(Effect.fail(failure(command.program, cause.message))))
    child.on("close", (code, signal) =>
      resume(
        code === null
          ? Effect.fail(failure(command.program, `ended by ${signal}`))
          : Effect.succeed({ exitCode: code, stdout: stdout.text, stderr: stderr.text, seen: stdout.seen })
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
