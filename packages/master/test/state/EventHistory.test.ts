import type { AppliedEvent } from "@nxmesh/protocol/Event"
import { SessionId } from "@nxmesh/protocol/Ids"
import { EventHistory } from "@nxmesh/master/state/EventHistory"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"

const id = SessionId.make("0190a000-0000-7000-8000-000000000001")
const at = (index: number): AppliedEvent => ({ index, event: { _tag: "SessionEnded", session_id: id } })
const reset = (index: number): AppliedEvent => ({ index, event: { _tag: "StateReset" } })

const heard = (history: EventHistory, index: number, countMax = 100) => {
  const answer = history.after(index, countMax)
  return answer._tag === "Compacted"
    ? `compacted at ${answer.index}`
    : `${answer.events.map((applied) => applied.index).join(" ")} then ${answer.index}`
}

describe("the history of events", () => {
  it("goes on from the index that was seen last", () => {
    const history = new EventHistory(10, 100)
    for (const index of [12, 12, 15]) history.add(at(index))
    assert.strictEqual(heard(history, 10), "12 12 15 then 15")
    assert.strictEqual(heard(history, 12), "15 then 15")
    assert.strictEqual(heard(history, 15), " then 15")
  })

  it("has nothing to say to one that saw more on another master, and does not set it back", () => {
    assert.strictEqual(heard(new EventHistory(10, 100), 20), " then 20")
  })

  it("says when it does not know what happened before it began", () => {
    const history = new EventHistory(10, 100)
    history.add(at(11))
    assert.strictEqual(heard(history, 9), "compacted at 11")
  })

  it("starts over when the state was replaced", () => {
    const history = new EventHistory(10, 100)
    history.add(at(11))
    history.add(reset(50))
    assert.strictEqual(heard(history, 11), "compacted at 50")
    assert.strictEqual(heard(history, 50), " then 50")
  })

  it("gives what one entry caused together, also beyond the count", () => {
    const history = new EventHistory(0, 100)
    for (const index of [1, 2, 2, 2, 3]) history.add(at(index))
    assert.strictEqual(heard(history, 0, 2), "1 2 2 2 then 2")
  })

  it("is bounded, and says what it forgot", () => {
    const history = new EventHistory(0, 20)
    for (let index = 1; index <= 100; index++) history.add(at(index))
    assert.strictEqual(heard(history, 59), "compacted at 100")
    assert.match(heard(history, 80), /^81 .* then 100$/)
  })

  const steps = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })))
  const countMax = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
  it.effect.prop("never skips an event between two answers", [steps, countMax], ([differences, most]) =>
    Effect.sync(() => {
      const history = new EventHistory(0, 20)
      const all: Array<number> = []
      let index = 1
      let seen = 0
      let got: ReadonlyArray<number> = []
      for (const [turn, difference] of differences.entries()) {
        index += difference
        history.add(at(index))
        all.push(index)
        // What one entry caused is added as a whole before anyone asks.
        const isWhole = differences[turn + 1] !== 0
        if (!isWhole || turn % 3 !== 0) continue
        const answer = history.after(seen, most)
        seen = answer.index
        const known = all.filter((one) => one <= seen)
        got = answer._tag === "Compacted" ? known : [...got, ...answer.events.map((applied) => applied.index)]
        assert.deepStrictEqual(got, known)
      }
    })
  )
})
