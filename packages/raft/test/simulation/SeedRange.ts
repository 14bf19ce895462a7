import type { Counters } from "../../src/testing/simulation/Counters.ts"
import { simulate } from "../../src/testing/simulation/Simulation.ts"

export interface SeedRange {
  readonly first: number
  readonly last: number
  /** No seed is begun after this; on a busy machine fewer are run. */
  readonly secondsMax: number
  readonly durationMillis: number
}

/** Runs seeds one after the other; the first that fails ends it, with the command that replays it. */
export const seedsDone = ({ first, last, secondsMax, durationMillis }: SeedRange, counters: Counters) => {
  const deadline = performance.now() + secondsMax * 1000
  const done = { seeds: 0, operations: 0, leaderChanges: 0, undecided: 0 }
  for (let seed = first; seed <= last && performance.now() < deadline; seed++) {
    const report = simulate({ seed, durationMillis, traceLines: 0 })
    if (report.failure !== null) {
      const { kind, message } = report.failure
      throw new Error(`seed ${seed} (${kind}): ${message}\nreplay: npm run simulate -- --seed ${seed} --trace 200`)
    }
    counters.addAll(report.counters)
    done.seeds++
    done.operations += report.operations
    done.leaderChanges += report.leaderChanges
    done.undecided += report.undecided
  }
  return done
}
