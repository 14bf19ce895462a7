import { lockoutMillis, rules, waitMillis } from "@nxmesh/master/auth/Lockout"
import { assert, describe, it } from "@effect/vitest"

const at = (remoteAddress: string, failures: number, lastFailedAtMillis: number) => ({
  remoteAddress,
  failures,
  lastFailedAtMillis
})
const hour = 3_600_000

describe("Lockout", () => {
  it("lets the first four failures pass and doubles the wait from the fifth", () => {
    const waits = [0, 4, 5, 6, 7, 8].map((failures) => lockoutMillis(failures, rules.address))
    assert.deepStrictEqual(waits, [0, 0, 1_000, 2_000, 4_000, 8_000])
  })

  it("waits at most a quarter of an hour, however many failures there were", () => {
    assert.strictEqual(lockoutMillis(15, rules.address), 900_000)
    assert.strictEqual(lockoutMillis(1_000_000, rules.address), 900_000)
  })

  it("counts the wait from the last failure, and ends it", () => {
    const failures = [at("a", 6, 10_000)]
    assert.strictEqual(waitMillis(failures, "a", 10_000), 2_000)
    assert.strictEqual(waitMillis(failures, "a", 11_999), 1)
    assert.strictEqual(waitMillis(failures, "a", 12_000), 0)
  })

  it("does not lock the owner out for what one guesser does elsewhere", () => {
    assert.strictEqual(waitMillis([at("guesser", 20, 10_000)], "owner", 10_000), 0)
  })

  it("slows down a guesser with many addresses, and the owner by no more than ten seconds", () => {
    const botnet = Array.from({ length: 1_000 }, (_, index) => at(`a${index}`, 4, 10_000))
    assert.strictEqual(waitMillis(botnet, "fresh", 10_000), 10_000)
  })

  it("forgets failures after a day, and knows nothing of no failures", () => {
    assert.strictEqual(waitMillis([at("a", 500, 0)], "a", 24 * hour), 0)
    assert.strictEqual(waitMillis([], "a", 0), 0)
  })
})
