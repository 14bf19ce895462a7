import { type Machine, replay, to, unchanged } from "@nxmesh/core/machine/Machine"
import { assert, describe, it } from "@effect/vitest"

const counter: Machine<number, "up" | "noise", string> = {
  initial: 0,
  step: (state, event) => (event === "up" ? to(state + 1, `at ${state + 1}`) : unchanged(state))
}

describe("Machine", () => {
  it("replays events to their state, with everything that was asked for on the way, in order", () => {
    assert.deepStrictEqual(replay(counter, ["up", "noise", "up"]), { state: 2, outputs: ["at 1", "at 2"] })
  })
  it("is at its initial state without events", () => {
    assert.deepStrictEqual(replay(counter, []), { state: 0, outputs: [] })
  })
})
