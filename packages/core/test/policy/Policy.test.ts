import { backoffMillis, linkBackoff } from "@nxmesh/core/policy/Backoff"
import { afterFailure, allows, closedBreaker } from "@nxmesh/core/policy/Breaker"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

describe("Backoff", () => {
  it("doubles from one second and stays at sixty", () => {
    const delays = [0, 1, 2, 3, 4, 5, 6, 7, 1_000].map((retry) => backoffMillis(linkBackoff, retry, 0))
    assert.deepStrictEqual(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  })
  it.prop("keeps every delay between half and all of it", [Schema.Int, Schema.Finite], ([retry, random]) => {
    const at = Math.abs(retry % 100)
    const dice = Math.abs(random % 1)
    const delay = backoffMillis(linkBackoff, at, dice)
    const whole = backoffMillis(linkBackoff, at, 0)
    return delay <= whole && delay >= whole / 2
  })
})

describe("Breaker", () => {
  const policy = { failuresMax: 3, openMillis: 1_000 }
  const failed = (times: number, at: number) =>
    Array.from({ length: times }).reduce<typeof closedBreaker>(
      (breaker) => afterFailure(policy, breaker, at),
      closedBreaker
    )

  it("allows attempts until it has failed often enough in a row", () => {
    assert.isTrue(allows(failed(2, 0), 0))
    assert.isFalse(allows(failed(3, 0), 999))
  })
  it("allows one attempt when its time is over, and opens again when that fails", () => {
    const open = failed(3, 0)
    assert.isTrue(allows(open, 1_000))
    assert.isFalse(allows(afterFailure(policy, open, 1_000), 1_999))
  })
})
