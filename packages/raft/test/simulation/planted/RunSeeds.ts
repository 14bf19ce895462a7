// node RunSeeds.ts <folder of the package> <first seed> <seeds> <simulated milliseconds> <seconds>
//
// Runs seeds of the simulator found in a folder, the first one named and then those from 1 on, until one fails, all are done or
// the time is over, and prints what came of it as one line of JSON.

import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type * as SimulationModule from "../../../src/testing/simulation/Simulation.ts"

const [folder = "", first = "1", seeds = "200", durationMillis = "60000", seconds = "60"] = process.argv.slice(2)
const { simulate } = (await import(
  pathToFileURL(join(folder, "src", "testing", "simulation", "Simulation.ts")).href
)) as typeof SimulationModule

const deadline = performance.now() + Number(seconds) * 1000
let ran = 0
let caught: { readonly seed: number; readonly kind: string; readonly message: string } | null = null
const order = [Number(first), ...Array.from({ length: Number(seeds) }, (_, at) => at + 1)].slice(0, Number(seeds))
for (const seed of order) {
  if (caught !== null || performance.now() >= deadline) break
  const { failure } = simulate({ seed, durationMillis: Number(durationMillis), traceLines: 0 })
  ran++
  if (failure !== null) caught = { seed, kind: failure.kind, message: failure.message.split("\n")[0] ?? "" }
}
process.stdout.write(`${JSON.stringify({ ran, caught })}\n`)
