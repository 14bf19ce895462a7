// `npm run faults`: one deployment of a real agent on a real nginx, killed at every change of a file that it makes, in the middle of
// every write, and cut off by a power cut after every change; then the agent starts again, and must serve the last settled
// generation or the next, whole, and go on. `npm test` takes some of them.
//
//   npm run faults
//   npm run faults -- --seeds 20      20 power cuts by chance after every change

import { parseArgs } from "node:util"
import { Cause, Effect, Exit } from "effect"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { byChance, namesWithoutBytes, nothingMore } from "../test/integration/agent/faults/DiskModel.ts"
import { describeCall, record, survivesCut, survivesKill } from "../test/integration/agent/faults/Faults.ts"

const { values } = parseArgs({ options: { seeds: { type: "string", default: "2" } } })

const say = (line: string): void => void process.stdout.write(`${line}\n`)

let tried = 0
let wrong = 0
const attempt = <E, R>(name: string, effect: Effect.Effect<void, E, R>) =>
  Effect.flatMap(Effect.exit(effect), (exit) =>
    Effect.sync(() => {
      tried += 1
      if (Exit.isSuccess(exit)) return
      wrong += 1
      say(`WRONG: ${name}: ${Cause.pretty(exit.cause)}`)
    })
  )

const program = Effect.gen(function* () {
  const recorded = yield* record
  const { trace } = recorded
  say(`a deployment changes files ${trace.length} times`)
  for (const [at, call] of trace.entries()) {
    yield* attempt(`kill before ${at + 1}: ${describeCall(call)}`, survivesKill(at + 1, false))
    if (call.kind === "write")
      yield* attempt(`kill within ${at + 1}: ${describeCall(call)}`, survivesKill(at + 1, true))
  }
  say(`killed ${tried} times, ${wrong} of them wrong`)
  for (let changes = 0; changes <= trace.length; changes++) {
    const after = `power cut after ${changes}: ${changes === 0 ? "nothing" : describeCall(trace[changes - 1]!)}`
    yield* attempt(`${after}, all lost that is not certain`, survivesCut(recorded, changes, nothingMore))
    yield* attempt(`${after}, names without bytes`, survivesCut(recorded, changes, namesWithoutBytes))
    for (let seed = 1; seed <= Number(values.seeds); seed++) {
      const random = new SeededRandom(seed)
      const cut = byChance(() => random.bits() / 2 ** 32)
      yield* attempt(`${after}, seed ${seed}`, survivesCut(recorded, changes, cut))
    }
  }
  say(`${tried} faults in all, ${wrong} of them wrong`)
})

await Effect.runPromise(Effect.scoped(program))
process.exitCode = wrong === 0 ? 0 : 1
