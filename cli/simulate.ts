// `npm run simulate`: clusters of Raft nodes under simulated faults, one for each seed.
//
//   npm run simulate -- --seeds 1000                 seeds 1 to 1000
//   npm run simulate -- --seeds 1000 --from 5001     seeds 5001 to 6000
//   npm run simulate -- --seed 42 --trace 200        one seed, with the last 200 lines of what happened
//
//   npm run simulate -- --seeds 1000 --budget 240    no seed is begun after 240 s
//
// Prints each seed that fails with the command that replays it, then how often each fault and each path was taken. A fault
// or path that was never taken fails the run when it had enough seeds to reach all of them.

import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { coverageExpected, coverageSeedsMin } from "../packages/raft/src/testing/simulation/Coverage.ts"
import { runSeeds } from "./simulation/SeedPool.ts"
import type { SeedOutcome } from "./simulation/SeedPool.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "100" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    seconds: { type: "string", default: "60" },
    threads: { type: "string", default: String(availableParallelism()) },
    budget: { type: "string", default: "Infinity" },
    trace: { type: "string", default: "0" },
    failures: { type: "string", default: "10" }
  }
})

const first = Number(values.seed ?? values.from)
const last = values.seed === undefined ? first + Number(values.seeds) - 1 : first
const durationMillis = Number(values.seconds) * 1000
const totals = new Map<string, number>()
const sums = { seeds: 0, failed: 0, undecided: 0, operations: 0, leaderChanges: 0, simulatedMillis: 0, events: 0 }
let upcoming = first

const say = (text: string): void => void process.stdout.write(`${text}\n`)

const see = (outcome: SeedOutcome): void => {
  for (const [name, times] of outcome.counts) totals.set(name, (totals.get(name) ?? 0) + times)
  sums.seeds++
  sums.undecided += outcome.undecided
  sums.operations += outcome.operations
  sums.leaderChanges += outcome.leaderChanges
  sums.simulatedMillis += outcome.simulatedMillis
  sums.events += outcome.events
  if (values.seed !== undefined) {
    for (const line of outcome.trace) say(line)
    say(`seed ${outcome.seed}: trace ${outcome.hash}, ${outcome.events} events, ${outcome.operations} operations`)
  }
  if (outcome.failure === null) return
  sums.failed++
  say(`seed ${outcome.seed} failed (${outcome.failure.kind}): ${outcome.failure.message}`)
  say(`  replay: npm run simulate -- --seed ${outcome.seed} --seconds ${values.seconds} --trace 200`)
}

const started = performance.now()

const next = () => {
  const isOver = performance.now() - started > Number(values.budget) * 1000
  if (isOver || upcoming > last || sums.failed >= Number(values.failures)) return undefined
  return { seed: upcoming++, durationMillis, traceLines: Number(values.trace) }
}

await runSeeds(Math.max(1, Math.min(Number(values.threads), last - first + 1)), next, see)

for (const [name, times] of [...totals].sort(([a], [b]) => (a < b ? -1 : 1)))
  say(`${String(times).padStart(12)}  ${name}`)
const never = coverageExpected.filter((name) => !totals.has(name))
const isLongEnough = sums.seeds >= coverageSeedsMin
if (isLongEnough) for (const name of never) say(`never: ${name}`)
const hours = (sums.simulatedMillis / 3_600_000).toFixed(2)
const seconds = ((performance.now() - started) / 1000).toFixed(1)
say(
  `${sums.seeds} seeds, ${sums.failed} failed, ${sums.undecided} undecided; ${hours} simulated hours in ${seconds} s; ` +
    `${sums.operations} operations, ${sums.leaderChanges} leaders, ${sums.events} events`
)
process.exitCode = sums.failed > 0 || (isLongEnough && never.length > 0) ? 1 : 0
