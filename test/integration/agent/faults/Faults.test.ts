import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { byChance, namesWithoutBytes, nothingMore } from "./DiskModel.ts"
import { describeCall, record, survivesCut, survivesKill } from "./Faults.ts"

/** `npm run faults` takes every one. */
const killsHere = 8
const cutsHere = 12

const some = (count: number, of: number): ReadonlyArray<number> => [
  ...new Set(Array.from({ length: count }, (_, at) => 1 + Math.floor((at * of) / count)))
]

describe("a deployment that is cut off at a change of a file", () => {
  it.live("is undone or finished after a kill of the agent, and nginx serves throughout", () =>
    Effect.gen(function* () {
      const { trace } = yield* record
      yield* Effect.forEach(some(killsHere, trace.length), (call) =>
        survivesKill(call, trace[call - 1]?.kind === "write").pipe(
          Effect.annotateLogs({ call: describeCall(trace[call - 1]!) })
        )
      )
    }).pipe(Effect.scoped)
  )

  it.live("is undone or finished after a power cut that takes what was not fsynced", () =>
    Effect.gen(function* () {
      const recorded = yield* record
      const random = new SeededRandom(7)
      for (const changes of some(cutsHere, recorded.trace.length)) {
        const cut = [nothingMore, namesWithoutBytes, byChance(() => random.bits() / 2 ** 32)][changes % 3]!
        yield* survivesCut(recorded, changes, cut)
      }
      yield* survivesCut(recorded, recorded.trace.length, nothingMore)
    }).pipe(Effect.scoped)
  )
})
