import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { addressKey } from "../../src/network/AddressKey.ts"
import { Buckets } from "../../src/network/Buckets.ts"
import { take, type Taking } from "../../src/network/TokenBucket.ts"

const limit = { per_second: 10, burst: 5 }

/** Takes at each of the moments, and answers what came of the last. */
const takeAt = (moments: ReadonlyArray<number>, rule = limit): Taking => {
  let fullAt: number | undefined
  let last: Taking | undefined
  for (const moment of moments) {
    last = take(rule, fullAt, moment)
    fullAt = last.fullAtMillis
  }
  return last!
}
const times = (count: number, moment: number) => Array.from({ length: count }, () => moment)

describe("a token bucket", () => {
  it("lets a burst through at once, and no more", () => {
    assert.deepInclude(takeAt(times(1, 1_000)), { isAllowed: true, remaining: 4 })
    assert.deepInclude(takeAt(times(5, 1_000)), { isAllowed: true, remaining: 0, waitMillis: 0 })
    assert.deepInclude(takeAt(times(6, 1_000)), { isAllowed: false, remaining: 0, waitMillis: 100 })
  })

  it("fills by its rate, and never above its burst", () => {
    assert.isTrue(takeAt([...times(5, 1_000), 1_100]).isAllowed)
    assert.isFalse(takeAt([...times(5, 1_000), 1_099]).isAllowed)
    assert.deepInclude(takeAt([...times(5, 1_000), 60_000]), { isAllowed: true, remaining: 4 })
  })

  it("does not make whoever knocks while it is empty wait longer", () => {
    assert.isTrue(takeAt([...times(50, 1_000), 1_100]).isAllowed)
  })

  it("is at most empty when the clock went back", () => {
    assert.deepInclude(takeAt([...times(5, 1_000_000), 1_000]), { isAllowed: false, waitMillis: 100 })
    assert.isTrue(takeAt([...times(5, 1_000_000), 1_000, 1_100]).isAllowed)
  })

  it("counts slow rates too", () => {
    const slow = { per_second: 0.01, burst: 1 }
    assert.isFalse(takeAt([0, 99_999], slow).isAllowed)
    assert.isTrue(takeAt([0, 100_000], slow).isAllowed)
  })

  it.prop(
    "never lets more through than its burst and what its rate brings",
    [
      Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 }))).check(Schema.isMaxLength(200)),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))
    ],
    ([gaps, per_second, burst]) => {
      let fullAt: number | undefined
      let now = 0
      let allowed = 0
      for (const gap of gaps) {
        now += gap
        const taking = take({ per_second, burst }, fullAt, now)
        fullAt = taking.fullAtMillis
        if (taking.isAllowed) allowed += 1
        assert.isAtMost(taking.remaining, burst - 1 + (taking.isAllowed ? 0 : 1))
        assert.isAtLeast(taking.remaining, 0)
      }
      assert.isAtMost(allowed, burst + (now * per_second) / 1_000 + 0.001)
    }
  )
})

describe("the buckets of a process", () => {
  it("forget who was not there for long, never who is, and stay bounded", () => {
    const buckets = new Buckets(100)
    for (let number = 0; number < 10_000; number++) {
      buckets.take("steady", { per_second: 1, burst: 5 }, 0)
      buckets.take(`other ${number}`, limit, 0)
      assert.isAtMost(buckets.size, 100)
    }
    assert.isFalse(buckets.take("steady", { per_second: 1, burst: 5 }, 0).isAllowed)
  })
})

describe("the name that an address is counted by", () => {
  it("is an IPv4 address itself, and the /64 of IPv6", () => {
    assert.strictEqual(addressKey("192.0.2.1"), "192.0.2.1")
    assert.strictEqual(addressKey("::ffff:192.0.2.1"), "192.0.2.1")
    const one = ["2001:db8:1:2::5", "2001:db8:1:2:ffff:1:2:3", "2001:0db8:0001:0002::", "2001:db8:1:2:0:0:192.0.2.1"]
    assert.deepStrictEqual(new Set(one.map(addressKey)), new Set(["2001:db8:1:2::/64"]))
    assert.notStrictEqual(addressKey("2001:db8:1:3::5"), addressKey("2001:db8:1:2::5"))
    assert.strictEqual(addressKey("::1"), "0:0:0:0::/64")
    assert.strictEqual(addressKey("2001:db8::1"), "2001:db8:0:0::/64")
  })
})
