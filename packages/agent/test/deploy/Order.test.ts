import { assert, describe, it } from "@effect/vitest"
import { refusal } from "../../src/deploy/OrderGuard.ts"
import { intervalMillis, waitMillis } from "../../src/deploy/ReloadBudget.ts"

describe("OrderGuard (rule 1)", () => {
  it("accepts the first, the same and the newer, by epoch before index", () => {
    assert.isNull(refusal(null, { epoch: 0, index: 0 }))
    assert.isNull(refusal({ epoch: 1, index: 5 }, { epoch: 1, index: 5 }))
    assert.isNull(refusal({ epoch: 1, index: 5 }, { epoch: 2, index: 0 }))
  })

  it("refuses the older and says both", () => {
    const message = refusal({ epoch: 2, index: 5 }, { epoch: 1, index: 99 })
    assert.include(message, "epoch 1, index 99")
    assert.include(message, "epoch 2, index 5")
    assert.isNotNull(refusal({ epoch: 2, index: 5 }, { epoch: 2, index: 4 }))
  })
})

describe("ReloadBudget", () => {
  it("does not let the first change wait, nor any when there is no interval", () => {
    assert.strictEqual(waitMillis({ intervalMillis: 60_000, lastReloadMillis: null }, 5), 0)
    assert.strictEqual(waitMillis({ intervalMillis: 0, lastReloadMillis: 5 }, 5), 0)
  })

  it("lets a change wait for what is left of the interval", () => {
    const budget = { intervalMillis: 1_000, lastReloadMillis: 10_000 }
    assert.strictEqual(waitMillis(budget, 10_000), 1_000)
    assert.strictEqual(waitMillis(budget, 10_400), 600)
    assert.strictEqual(waitMillis(budget, 11_000), 0)
  })

  it("never waits longer than the interval, whatever the clock was set to", () => {
    assert.strictEqual(waitMillis({ intervalMillis: 1_000, lastReloadMillis: 99_999 }, 10_000), 1_000)
  })

  it("spaces reloads while very many workers drain, and never stops them", () => {
    assert.strictEqual(intervalMillis(0, 64), 0)
    assert.strictEqual(intervalMillis(0, 65), 30_000)
    assert.strictEqual(intervalMillis(60_000, 65), 60_000)
  })
})
