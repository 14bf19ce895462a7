/** When a learner may be promoted (thesis 4.2.1). */
import { assert, describe, it } from "@effect/vitest"
import { Limits } from "../../src/Limits.ts"
import { beginCatchUp, catchUpSampleOf, catchUpVerdict, continueCatchUp } from "../../src/core/CatchUp.ts"
import type { CatchUp, CatchUpSample, CatchUpVerdict } from "../../src/core/CatchUp.ts"
import { Network } from "./Network.ts"

const bounds = { electionTicks: 10, roundsMax: 3, stalledTicksMax: 50 }
const start: CatchUpSample = { term: 1, tick: 0, lastIndex: 100, match: 0, snapshotOffset: 0, heartbeatRound: 0 }

/** The verdict after each sample, in which a heartbeat is answered each time unless it says otherwise. */
const verdicts = (...samples: ReadonlyArray<Partial<CatchUpSample>>): ReadonlyArray<CatchUpVerdict> => {
  let catchUp = beginCatchUp(start)
  let sample = start
  return samples.map((changes) => {
    sample = { ...sample, heartbeatRound: sample.heartbeatRound + 1, ...changes }
    catchUp = continueCatchUp(catchUp, sample, bounds)
    return catchUpVerdict(catchUp, bounds)
  })
}

describe("a learner", () => {
  it("is not caught up before it was looked at twice", () => {
    assert.strictEqual(catchUpVerdict(beginCatchUp({ ...start, match: 100 }), bounds), "CatchingUp")
  })

  it("has caught up when a round took less than an election timeout, and not before it has ended", () => {
    assert.deepStrictEqual(verdicts({ tick: 9, match: 99 }), ["CatchingUp"])
    assert.deepStrictEqual(verdicts({ tick: 9, match: 100 }), ["CaughtUp"])
    assert.deepStrictEqual(verdicts({ tick: 10, match: 100 }), ["CatchingUp"])
  })

  it("needs each round to bring what was there when the round began", () => {
    assert.deepStrictEqual(
      verdicts(
        { tick: 20, match: 100, lastIndex: 150 },
        { tick: 25, match: 149, lastIndex: 160 },
        { tick: 29, match: 150, lastIndex: 161 }
      ),
      ["CatchingUp", "CatchingUp", "CaughtUp"]
    )
  })

  it("is too slow after so many slow rounds in a row; a short one between them is a new beginning", () => {
    assert.deepStrictEqual(
      verdicts(
        { tick: 10, match: 100, lastIndex: 200 },
        { tick: 20, match: 200, lastIndex: 300 },
        { tick: 29, match: 300, lastIndex: 400 },
        { tick: 40, match: 400, lastIndex: 500 },
        { tick: 50, match: 500, lastIndex: 600 },
        { tick: 60, match: 600, lastIndex: 700 }
      ),
      ["CatchingUp", "CatchingUp", "CaughtUp", "CatchingUp", "CatchingUp", "TooSlow"]
    )
  })

  it("that fell behind again is not caught up any more", () => {
    assert.deepStrictEqual(
      verdicts(
        { tick: 5, match: 100, lastIndex: 200 },
        { tick: 14, match: 150, lastIndex: 300 },
        { tick: 15, match: 199, lastIndex: 300 }
      ),
      ["CaughtUp", "CaughtUp", "CatchingUp"]
    )
  })

  it("that has everything and is not heard any more is not caught up, and is stalled in the end", () => {
    assert.deepStrictEqual(
      verdicts(
        { tick: 5, match: 100 },
        { tick: 14, heartbeatRound: 1 },
        { tick: 15, heartbeatRound: 1 },
        { tick: 54, heartbeatRound: 1 },
        { tick: 55, heartbeatRound: 1 },
        { tick: 56 }
      ),
      ["CaughtUp", "CaughtUp", "CatchingUp", "CatchingUp", "Stalled", "CaughtUp"]
    )
  })

  it("that answers and takes nothing is stalled; one to which anything arrives is not, entries or a snapshot", () => {
    assert.deepStrictEqual(verdicts({ tick: 49 }, { tick: 50 }), ["CatchingUp", "Stalled"])
    assert.deepStrictEqual(verdicts({ tick: 49, match: 1 }, { tick: 98 }, { tick: 99 }), [
      "CatchingUp",
      "CatchingUp",
      "Stalled"
    ])
    assert.deepStrictEqual(
      verdicts({ tick: 49, snapshotOffset: 8 }, { tick: 98, snapshotOffset: 16 }, { tick: 147, match: 100 }),
      ["CatchingUp", "CatchingUp", "CatchingUp"]
    )
  })

  it("begins anew under another leader", () => {
    assert.deepStrictEqual(
      verdicts({ tick: 5, match: 100 }, { term: 2, tick: 900, match: 0, heartbeatRound: 0 }, { tick: 905, match: 100 }),
      ["CaughtUp", "CatchingUp", "CaughtUp"]
    )
  })
})

describe("in a cluster", () => {
  const three = ["a", "b", "c"]
  const { electionTicks } = bounds
  const limits = { electionTicks, ...Limits.catchUp }

  /** `a` leads and adds the learner `d`, to which `filter` lets messages pass; a command in every tick. */
  const follow = (ticks: number, passes: () => boolean): ReadonlyArray<CatchUpVerdict> => {
    const network = new Network(three, { electionTicks, snapshotChunkBytes: 64 })
    network.elect("a")
    for (let i = 0; i < 50; i++) network.propose("a", `v${i}`)
    network.compact("a")
    network.add("d", null)
    network.filter = ({ from, to }) => (from !== "d" && to !== "d") || passes()
    network.change("a", three, ["d"])
    let catchUp: CatchUp | null = null
    return Array.from({ length: ticks }, (_, i) => {
      network.propose("a", `w${i}`)
      network.tick()
      const sample = catchUpSampleOf(network.state("a"), "d")
      if (sample === null) throw new Error("d is no member")
      catchUp = catchUp === null ? beginCatchUp(sample) : continueCatchUp(catchUp, sample, limits)
      return catchUpVerdict(catchUp, limits)
    })
  }

  it("a learner gets a snapshot and the entries since, and has then caught up", () => {
    const seen = follow(60, () => true)
    assert.strictEqual(seen.at(0), "CatchingUp")
    assert.strictEqual(seen.at(-1), "CaughtUp")
  })

  it("a learner that is cut off stalls", () => {
    assert.strictEqual(follow(Limits.catchUp.stalledTicksMax + 5, () => false).at(-1), "Stalled")
  })

  it("nobody who does not lead knows how far a learner is", () => {
    const network = new Network(three, {}, ["d"])
    network.elect("a")
    assert.deepInclude(catchUpSampleOf(network.state("a"), "d"), { term: 1, lastIndex: 1, match: 1 })
    assert.strictEqual(catchUpSampleOf(network.state("b"), "d"), null)
    assert.strictEqual(catchUpSampleOf(network.state("a"), "x"), null)
  })
})
