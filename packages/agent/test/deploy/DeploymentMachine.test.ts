import { assert, describe, it } from "@effect/vitest"
import { type Event, idle, type State, transition, type Transition } from "../../src/deploy/DeploymentMachine.ts"
import { attempt, failure } from "./Samples.ts"

const done: Event = { _tag: "Done" }
const failed = (message: string): Event => ({ _tag: "Failed", error: failure(message) })

const take = (state: State, event: Event): Transition => {
  const next = transition(state, event)
  if (next === null) throw new Error(`no edge for ${event._tag} in ${state._tag}`)
  return next
}
const actionOf = ({ next }: Transition) => ("action" in next ? next.action : null)
const endingOf = ({ next }: Transition) => ("ending" in next ? next.ending : null)

/** The transition after a beginning and so many successes. */
const after = (successes: number): Transition => {
  let at = take(idle, { _tag: "Begin", attempt })
  for (let count = 0; count < successes; count += 1) at = take(at.state, done)
  return at
}

const forward = [
  ["Rendering", "render"],
  ["Staging", "stage"],
  ["Testing", "test"],
  ["Swapping", "swap"],
  ["Reloading", "reload"],
  ["Proving", "prove"],
  ["Settling", "settle"]
] as const

describe("DeploymentMachine", () => {
  it("walks render, stage, test, swap, reload, prove and settle, and is idle again", () => {
    for (const [index, [state, action]] of forward.entries()) {
      const at = after(index)
      assert.strictEqual(at.state._tag, state)
      assert.strictEqual(actionOf(at), action)
    }
    const end = after(forward.length)
    assert.strictEqual(end.state._tag, "Idle")
    assert.deepStrictEqual(endingOf(end), { status: "settled", error: null, discard: false })
  })

  for (const [index, [state]] of forward.entries()) {
    if (state === "Staging") {
      it("ends as failed, with the directory discarded, when Staging fails: nothing live had changed", () => {
        const end = take(after(index).state, failed("no"))
        assert.strictEqual(end.state._tag, "Idle")
        assert.deepStrictEqual(endingOf(end), { status: "failed", error: failure("no"), discard: true })
      })
    } else if (index < 3) {
      it(`looks for what to leave out when ${state} fails, and stages and tests the rest`, () => {
        let at = take(after(index).state, failed("no"))
        for (const [isolated, action] of [
          ["Isolating", "isolate"],
          ["Staging", "stage"],
          ["Testing", "test"]
        ] as const) {
          assert.strictEqual(at.state._tag, isolated)
          assert.strictEqual(actionOf(at), action)
          at = take(at.state, done)
        }
        assert.strictEqual(actionOf(at), "swap")
      })

      it(`ends as failed, with the directory discarded, when ${state} fails and nothing can be left out`, () => {
        const isolating = take(after(index).state, failed("no"))
        const end = take(isolating.state, failed("it is this one"))
        assert.strictEqual(end.state._tag, "Idle")
        assert.deepStrictEqual(endingOf(end), { status: "failed", error: failure("it is this one"), discard: true })
      })
    } else {
      it(`goes back when ${state} fails, and ends as rolled back with the first error`, () => {
        let at = take(after(index).state, failed("no"))
        for (const action of ["rollback:swap", "rollback:reload", "rollback:prove"] as const) {
          assert.strictEqual(at.state._tag, "RollingBack")
          assert.strictEqual(actionOf(at), action)
          at = take(at.state, done)
        }
        assert.deepStrictEqual(endingOf(at), { status: "rolled_back", error: failure("no"), discard: true })
      })
    }
  }

  for (const phase of [0, 1, 2]) {
    it(`says both errors when step ${phase} of the way back fails, and keeps a directory that the link may name`, () => {
      let at = take(after(4).state, failed("first"))
      for (let count = 0; count < phase; count += 1) at = take(at.state, done)
      const ending = endingOf(take(at.state, failed("second")))
      assert.strictEqual(ending?.status, "rollback_failed")
      assert.include(ending?.error?.message, "first")
      assert.include(ending?.error?.message, "second")
      assert.strictEqual(ending?.discard, phase > 0)
    })
  }

  it("begins nothing while something runs, and has no other edge out of Idle", () => {
    for (let count = 0; count < forward.length; count += 1) {
      assert.isNull(transition(after(count).state, { _tag: "Begin", attempt }))
    }
    assert.isNull(transition(idle, done))
    assert.isNull(transition(idle, failed("no")))
  })
})
