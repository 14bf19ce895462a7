import { assert, describe, it } from "@effect/vitest"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import type { DeploymentOutcome, DeploymentStatus } from "@nxmesh/protocol/model/Deployment"
import { Schema } from "effect"
import { retryDelayMillis } from "../../src/agents/RetryPolicy.ts"
import {
  failureAtEnd,
  initialState,
  type SessionInput,
  type SessionOutput,
  type SessionState,
  step
} from "../../src/agents/SessionMachine.ts"
import { uuid } from "../config/Fixtures.ts"
import { plainOutcome } from "../../../../test/support/Resources.ts"

const generation = (letter: string) => Generation.make(letter.repeat(64))
const [a, b, c] = [generation("a"), generation("b"), generation("c")]
const deployment = (number: number) => DeploymentId.make(uuid(9, number))

const outcome = (
  number: number,
  of: Generation,
  status: DeploymentStatus,
  serving: Generation | null = status === "settled" ? of : a
): DeploymentOutcome => ({
  ...plainOutcome,
  id: deployment(number),
  generation: of,
  status,
  serving_generation: serving
})

/** Runs one session: each call is a step at a time, and the deployments it starts are numbered from 1. */
const session = (fields: Partial<Parameters<typeof initialState>[0]> = {}) => {
  let state = initialState({
    desired: a,
    serving: a,
    failure: null,
    held: null,
    reloadIntervalSeconds: 0,
    ...fields
  })
  let number = 1
  return {
    take: (input: SessionInput, nowMillis = 0): ReadonlyArray<SessionOutput> => {
      const [next, outputs] = step(state, input, { nowMillis, deploymentId: deployment(number) })
      if (outputs.some(({ _tag }) => _tag === "Deploy")) number++
      state = next
      return outputs
    },
    state: (): SessionState => state
  }
}
const deployed = (outputs: ReadonlyArray<SessionOutput>) =>
  outputs.flatMap((output) => (output._tag === "Deploy" ? [output.inFlight.generation] : []))
const wakes = (outputs: ReadonlyArray<SessionOutput>) =>
  outputs.flatMap((output) => (output._tag === "WakeAt" ? [output.atMillis] : []))

describe("SessionMachine", () => {
  it("is quiet when the agent serves what it should", () => {
    const { take } = session()
    assert.deepStrictEqual(take({ _tag: "Start" }), [])
    assert.deepStrictEqual(take({ _tag: "Desired", generation: a }), [])
  })

  it("deploys at once on connecting, against what the agent serves", () => {
    const [first] = session({ desired: b }).take({ _tag: "Start" })
    assert.strictEqual(first?._tag, "Deploy")
    if (first?._tag === "Deploy") assert.strictEqual(first.base, a)
  })

  it("has one deployment in flight, and merges what comes meanwhile into the next", () => {
    const { take } = session()
    assert.deepStrictEqual(deployed(take({ _tag: "Desired", generation: b })), [b])
    assert.deepStrictEqual(deployed(take({ _tag: "Desired", generation: a })), [])
    assert.deepStrictEqual(deployed(take({ _tag: "Desired", generation: c })), [])
    assert.deepStrictEqual(deployed(take({ _tag: "Outcome", outcome: outcome(1, b, "settled") })), [c])
    assert.deepStrictEqual(deployed(take({ _tag: "Outcome", outcome: outcome(2, c, "settled") })), [])
  })

  it("reports how long convergence took, from the first change that was not served", () => {
    const { take } = session()
    take({ _tag: "Desired", generation: b }, 1_000)
    assert.deepStrictEqual(take({ _tag: "Outcome", outcome: outcome(1, b, "settled") }, 1_250), [
      { _tag: "Converged", millis: 250 }
    ])
  })

  it("does not try a failed generation again until its content changes", () => {
    const { take } = session()
    take({ _tag: "Desired", generation: b })
    assert.deepStrictEqual(take({ _tag: "Outcome", outcome: outcome(1, b, "failed") }), [])
    assert.deepStrictEqual(take({ _tag: "Wake" }, 10_000_000), [])
    assert.deepStrictEqual(deployed(take({ _tag: "Desired", generation: c })), [c])
  })

  it("tries a failed generation again when an operator asks", () => {
    const { take } = session()
    take({ _tag: "Desired", generation: b })
    take({ _tag: "Outcome", outcome: outcome(1, b, "rolled_back") })
    assert.deepStrictEqual(deployed(take({ _tag: "Retry" }, 5)), [b])
  })

  it("tries a failed generation again after a reconnect, once its wait is over", () => {
    const { take } = session({ desired: b, failure: { generation: b, attempts: 2, failedAtMillis: 1_000 } })
    const due = 1_000 + retryDelayMillis(2)
    assert.deepStrictEqual(wakes(take({ _tag: "Start" }, 2_000)), [due])
    assert.deepStrictEqual(deployed(take({ _tag: "Wake" }, due)), [b])
    take({ _tag: "Outcome", outcome: outcome(1, b, "failed") }, due)
    assert.deepStrictEqual(take({ _tag: "Wake" }, due * 1_000), [])
  })

  it("doubles the wait with every failure, up to a bound", () => {
    assert.deepStrictEqual([1, 2, 3, 50].map(retryDelayMillis), [5_000, 10_000, 20_000, 600_000])
  })

  it("counts a deployment whose end was not heard of as a failure of the next connection", () => {
    const { state, take } = session()
    take({ _tag: "Desired", generation: b })
    assert.deepStrictEqual(failureAtEnd(state(), 7), { generation: b, attempts: 1, failedAtMillis: 7 })
    assert.isNull(failureAtEnd(session().state(), 7))
  })

  it("waits for the reload budget, and sends the newest when it allows", () => {
    const { take } = session({ reloadIntervalSeconds: 60 })
    take({ _tag: "Desired", generation: b }, 0)
    take({ _tag: "Outcome", outcome: outcome(1, b, "settled") }, 1_000)
    assert.deepStrictEqual(wakes(take({ _tag: "Desired", generation: a }, 2_000)), [61_000])
    take({ _tag: "Desired", generation: c }, 3_000)
    assert.deepStrictEqual(deployed(take({ _tag: "Wake" }, 61_000)), [c])
  })

  it("spends no budget on a deployment that was refused before a reload", () => {
    const { take } = session({ reloadIntervalSeconds: 60 })
    take({ _tag: "Desired", generation: b }, 0)
    take({ _tag: "Outcome", outcome: outcome(1, b, "failed") }, 1_000)
    assert.deepStrictEqual(deployed(take({ _tag: "Desired", generation: c }, 2_000)), [c])
  })

  it("sends nothing new while it is held, says so once for each reason, and catches up after it", () => {
    const { take } = session()
    assert.deepStrictEqual(take({ _tag: "Settings", held: "in maintenance", reloadIntervalSeconds: 0 }), [
      { _tag: "Hold", reason: "in maintenance" }
    ])
    assert.deepStrictEqual(take({ _tag: "Settings", held: "in maintenance", reloadIntervalSeconds: 5 }), [])
    assert.deepStrictEqual(take({ _tag: "Desired", generation: b }), [])
    assert.deepStrictEqual(deployed(take({ _tag: "Settings", held: null, reloadIntervalSeconds: 0 })), [b])
    assert.strictEqual(session({ held: "in maintenance" }).take({ _tag: "Start" })[0]?._tag, "Hold")
  })

  it("gives up waiting for an answer after a bound, and sends what is wanted then", () => {
    const { take } = session()
    const [lostAt = 0] = wakes(take({ _tag: "Desired", generation: b }, 0))
    take({ _tag: "Desired", generation: c }, 1)
    assert.deepStrictEqual(deployed(take({ _tag: "Wake" }, lostAt - 1)), [])
    assert.deepStrictEqual(deployed(take({ _tag: "Wake" }, lostAt)), [c])
  })

  it("leaves the deployment in flight alone when an older outcome comes again", () => {
    const { state, take } = session()
    take({ _tag: "Desired", generation: b })
    assert.deepStrictEqual(take({ _tag: "Outcome", outcome: outcome(77, a, "settled") }), [])
    assert.strictEqual(state().inFlight?.generation, b)
  })

  it("believes health that contradicts it only when it is said twice", () => {
    const { take } = session()
    assert.deepStrictEqual(take({ _tag: "Health", serving: c }), [])
    assert.deepStrictEqual(take({ _tag: "Health", serving: a }), [])
    assert.deepStrictEqual(take({ _tag: "Health", serving: c }), [])
    assert.deepStrictEqual(deployed(take({ _tag: "Health", serving: c })), [a])
  })

  const Input = Schema.Union([
    Schema.Struct({ _tag: Schema.Literal("Desired"), generation: Schema.Literals([a, b, c]) }),
    Schema.Struct({
      _tag: Schema.Literal("Settings"),
      held: Schema.NullOr(Schema.Literals(["in maintenance", "frozen"])),
      reloadIntervalSeconds: Schema.Literals([0, 2])
    }),
    Schema.Struct({ _tag: Schema.Literal("Answer"), status: Schema.Literals(["settled", "failed", "rolled_back"]) }),
    Schema.Struct({ _tag: Schema.Literal("Retry") }),
    Schema.Struct({ _tag: Schema.Literal("Wake") })
  ])

  it.prop(
    "never has two deployments in flight, never deploys while it is held, and ends up serving what is wanted",
    [Schema.Array(Input).check(Schema.isMaxLength(30))],
    ([inputs]) => {
      const { state, take } = session()
      let now = 0
      let answered = 0
      const observe = (input: SessionInput) => {
        const before = state()
        const sent = deployed(take(input, now))
        assert.isAtMost(sent.length, 1)
        if (sent.length === 0) return
        assert.isNull(state().held)
        assert.isTrue(before.inFlight === null || input._tag === "Outcome")
      }
      const answer = (status: DeploymentStatus) => {
        const { inFlight, serving } = state()
        if (inFlight === null) return
        answered++
        observe({
          _tag: "Outcome",
          outcome: {
            ...outcome(answered, inFlight.generation, status, status === "settled" ? inFlight.generation : serving),
            id: inFlight.deploymentId
          }
        })
      }
      for (const input of inputs) {
        now += 1_000
        if (input._tag === "Answer") answer(input.status)
        else observe(input)
      }
      now += 10_000
      observe({ _tag: "Settings", held: null, reloadIntervalSeconds: 0 })
      observe({ _tag: "Retry" })
      for (let rounds = 0; rounds < 4; rounds++) {
        answer("settled")
        observe({ _tag: "Retry" })
      }
      assert.strictEqual(state().serving, state().desired)
    },
    { arbitrary: { seed: 20_260_302, runs: 300 } }
  )
})
