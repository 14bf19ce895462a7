import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { root } from "./Checkout.ts"

export interface Program {
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
  /** The root of the checkout when absent. */
  readonly folder?: string
  /** `inherit` shows the output as it comes; `capture` returns it. */
  readonly output: "inherit" | "capture"
  /** After this the program is asked to stop, and killed ten seconds later. */
  readonly timeoutMillis?: number
}

export interface Outcome {
  readonly exitCode: number
  readonly output: string
  readonly seconds: number
  readonly timedOut: boolean
}

const running = new Set<ChildProcess>()
const killAfterMillis = 10_000

/** Asks every program that still runs to stop. For the signal handlers of the commands. */
export const stopRunning = (): void => {
  for (const child of running) child.kill("SIGTERM")
}

const stopAfter = (child: ChildProcess, millis: number, onTimeout: () => void): (() => void) => {
  let killing: NodeJS.Timeout | undefined
  const stopping = setTimeout(() => {
    onTimeout()
    child.kill("SIGTERM")
    killing = setTimeout(() => child.kill("SIGKILL"), killAfterMillis)
  }, millis)
  return () => {
    clearTimeout(stopping)
    clearTimeout(killing)
  }
}

/** Runs a program to its end. A program that cannot be started ends with code 127. */
export const runProgram = (program: Program): Promise<Outcome> =>
  new Promise((resolve) => {
    const started = performance.now()
    const chunks: Array<Buffer> = []
    const piped = program.output === "capture" ? "pipe" : "inherit"
    let timedOut = false
    const child = spawn(program.command, [...program.args], {
      cwd: program.folder ?? root,
      env: { ...process.env, ...program.env },
      stdio: ["ignore", piped, piped]
    })
    running.add(child)
    const disarm =
      program.timeoutMillis === undefined ? () => {} : stopAfter(child, program.timeoutMillis, () => (timedOut = true))
    const end = (exitCode: number): void => {
      disarm()
      running.delete(child)
      const seconds = (performance.now() - started) / 1000
      resolve({ exitCode, output: Buffer.concat(chunks).toString("utf8"), seconds, timedOut })
    }
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk))
    child.on("error", (error) => {
      chunks.push(Buffer.from(`${program.command}: ${error.message}\n`))
      end(127)
    })
    child.on("close", (code) => end(code ?? 1))
  })

/** Runs a script with the Node that runs this. */
export const runNode = (args: ReadonlyArray<string>, options: Omit<Program, "command" | "args">): Promise<Outcome> =>
  runProgram({ command: process.execPath, args, ...options })
