import { assert, describe, it } from "@effect/vitest"
import { emptyState, type JournalState, type JournalStep } from "../../src/deploy/JournalRecord.ts"
import { decide } from "../../src/deploy/Recovery.ts"
import { attempt, served } from "./Samples.ts"

const settled: JournalState = { ...emptyState, sequence: 1, served }
const { deploymentId, directory, generation } = attempt
const cutOff = (step: JournalStep): JournalState => ({
  ...settled,
  sequence: 2,
  open: { deploymentId, directory, generation, startedAt: "2026-03-02T14:30:00.000Z", step }
})
const found = (linkTarget: string | null, servedExists = true, answering: string | null = null) => ({
  linkTarget,
  servedExists,
  answering
})

describe("Recovery", () => {
  it("wants a baseline when nothing of ours ever served, or when its directory is lost", () => {
    assert.deepStrictEqual(decide(emptyState, found(null)), { _tag: "Baseline" })
    assert.deepStrictEqual(decide(settled, found(null, false)), { _tag: "Baseline" })
    assert.deepStrictEqual(decide(cutOff("prove"), found(directory, false)), { _tag: "Baseline" })
  })

  it("does nothing when nothing was cut off", () => {
    assert.deepStrictEqual(decide(settled, found(served.directory)), { _tag: "Nothing", served, relink: false })
  })

  it("puts a link back that was lost or moved", () => {
    assert.deepStrictEqual(decide(settled, found(null)), { _tag: "Nothing", served, relink: true })
    assert.deepStrictEqual(decide(settled, found("elsewhere")), { _tag: "Nothing", served, relink: true })
  })

  for (const step of ["render", "stage", "test"] as const) {
    it(`discards a deployment cut off at ${step}: nothing live had changed`, () => {
      assert.deepStrictEqual(decide(cutOff(step), found(served.directory)), {
        _tag: "Discard",
        directory,
        served,
        relink: false
      })
    })
  }

  for (const step of ["swap", "reload", "prove", "rollback"] as const) {
    for (const link of [served.directory, directory]) {
      it(`undoes a deployment cut off at ${step} with the link on ${link}: nginx may have read either`, () => {
        assert.deepStrictEqual(decide(cutOff(step), found(link)), { _tag: "Undo", directory, to: served })
      })
    }
  }

  for (const step of ["reload", "prove"] as const) {
    it(`completes a deployment cut off at ${step} whose tree nginx took: clients see it already`, () => {
      assert.deepStrictEqual(decide(cutOff(step), found(directory, true, deploymentId)), {
        _tag: "Complete",
        directory,
        to: { directory, deploymentId, generation },
        otherwise: served
      })
    })

    it(`undoes a deployment cut off at ${step} when nginx answers for another, or the link was moved`, () => {
      assert.strictEqual(decide(cutOff(step), found(directory, true, served.deploymentId))._tag, "Undo")
      assert.strictEqual(decide(cutOff(step), found(served.directory, true, deploymentId))._tag, "Undo")
    })
  }

  it("undoes a deployment that was on its way back, whoever answers", () => {
    assert.strictEqual(decide(cutOff("rollback"), found(directory, true, deploymentId))._tag, "Undo")
  })

  it("finishes a deployment cut off at settle, which was proved", () => {
    assert.deepStrictEqual(decide(cutOff("settle"), found(directory)), {
      _tag: "Finish",
      served: { directory, deploymentId, generation }
    })
  })

  it("undoes a deployment cut off at settle whose link was moved since: its proof is void", () => {
    assert.strictEqual(decide(cutOff("settle"), found(served.directory))._tag, "Undo")
  })
})
