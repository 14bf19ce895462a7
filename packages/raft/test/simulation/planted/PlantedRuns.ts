/** Runs the simulator over copies of the sources, one bug in each, several at a time. */

import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { PlantedBug } from "./PlantedBug.ts"
import { plantIn } from "./PlantedBug.ts"

export interface PlantedOutcome {
  readonly ran: number
  readonly caught: { readonly seed: number; readonly kind: string; readonly message: string } | null
}

export interface PlantedLimits {
  readonly seeds: number
  readonly durationMillis: number
  /** For one bug. */
  readonly secondsMax: number
}

const run = promisify(execFile)

export class PlantedRuns {
  private readonly limits: PlantedLimits
  private readonly queue: Array<() => Promise<void>> = []
  private running = 0

  constructor(limits: PlantedLimits) {
    this.limits = limits
  }

  /** Seeds of the sources with one bug, the one that caught it once and then from 1 on, up to the first that fails. Begins as soon as there is a free processor. */
  outcome(bug: PlantedBug): Promise<PlantedOutcome> {
    const { promise, resolve, reject } = Promise.withResolvers<PlantedOutcome>()
    this.queue.push(() => this.run(bug).then(resolve, reject))
    this.next()
    return promise
  }

  private next(): void {
    if (this.running >= availableParallelism()) return
    const task = this.queue.shift()
    if (task === undefined) return
    this.running++
    void task().then(() => {
      this.running--
      this.next()
    })
  }

  private async run(bug: PlantedBug): Promise<PlantedOutcome> {
    const { seeds, durationMillis, secondsMax } = this.limits
    const folder = await mkdtemp(join(tmpdir(), "raft-planted-"))
    try {
      await plantIn(folder, bug)
      const known = bug.caughtBy ?? 1
      const args = [join(import.meta.dirname, "RunSeeds.ts"), folder, known, seeds, durationMillis, secondsMax]
      const { stdout } = await run(process.execPath, args.map(String), { timeout: (secondsMax + 60) * 1000 })
      return JSON.parse(stdout) as PlantedOutcome
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}
