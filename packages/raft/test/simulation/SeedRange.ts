/** Runs `npm run simulate` as people do: every seed with its own cluster, on all processors. */

import { spawn } from "node:child_process"
import { join } from "node:path"
import { text } from "node:stream/consumers"

const program = join(import.meta.dirname, "..", "..", "..", "..", "cli", "simulate.ts")
const summary =
  /(\d+) seeds, (\d+) failed, (\d+) undecided; ([\d.]+) simulated hours in ([\d.]+) s; (\d+) operations, (\d+) leaders/

export interface SeedsDone {
  readonly seeds: number
  readonly failed: number
  readonly undecided: number
  readonly simulatedHours: number
  readonly seconds: number
  readonly operations: number
  readonly leaderChanges: number
  /** 0 when every seed held and everything was reached. */
  readonly exitCode: number | null
  /** Which seeds failed, with the commands that replay them, and what was never reached. */
  readonly problems: string
}

interface Bounds {
  /** Of the simulated clusters. */
  readonly simulatedSeconds: number
  /** No seed is begun after so many seconds: on a busy machine fewer are run. */
  readonly secondsMax: number
}

export const runSeeds = async (seeds: number, { secondsMax, simulatedSeconds }: Bounds): Promise<SeedsDone> => {
  const bounds = ["--seconds", String(simulatedSeconds), "--budget", String(secondsMax)]
  const args = [program, "--seeds", String(seeds), ...bounds]
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve))
  const output = await text(child.stdout)
  const exitCode = await ended
  const figures = summary.exec(output)?.slice(1).map(Number) ?? []
  const [done = 0, failed = 0, undecided = 0, simulatedHours = 0, seconds = 0, operations = 0, leaderChanges = 0] =
    figures
  const problems = output.split("\n").filter((line) => /^(seed |never: |  replay: )/.test(line))
  return {
    seeds: done,
    failed,
    undecided,
    simulatedHours,
    seconds,
    operations,
    leaderChanges,
    exitCode,
    problems: problems.join("\n")
  }
}
