import { RememberedFailures } from "@nxmesh/master/auth/RememberedFailures"
import { Limits } from "@nxmesh/master/Limits"
import { assert, describe, it } from "@effect/vitest"

const guess = (email: string, remoteAddress = "192.0.2.1") => ({ email, remoteAddress })

describe("failures that are not recorded", () => {
  it("count per email, in any case, and address", () => {
    const remembered = new RememberedFailures()
    remembered.remember(guess("ada@example.test"), 1)
    remembered.remember(guess("ADA@example.test"), 2)
    remembered.remember(guess("ada@example.test", "192.0.2.2"), 3)
    assert.deepStrictEqual(remembered.of("Ada@Example.test"), [
      { remoteAddress: "192.0.2.1", failures: 2, lastFailedAtMillis: 2 },
      { remoteAddress: "192.0.2.2", failures: 1, lastFailedAtMillis: 3 }
    ])
    assert.deepStrictEqual(remembered.of("eve@example.test"), [])
  })

  it("are forgotten for an address that logged in", () => {
    const remembered = new RememberedFailures()
    remembered.remember(guess("ada@example.test"), 1)
    remembered.remember(guess("ada@example.test", "192.0.2.2"), 2)
    remembered.forget(guess("ada@example.test"))
    assert.lengthOf(remembered.of("ada@example.test"), 1)
  })

  it("are bounded: who failed longest ago is forgotten first", () => {
    const remembered = new RememberedFailures()
    const { rememberedAddressesMax, rememberedEmailsMax } = Limits.auth
    for (let i = 0; i <= rememberedAddressesMax; i++) remembered.remember(guess("ada@example.test", `a${i}`), i)
    const kept = remembered.of("ada@example.test")
    assert.lengthOf(kept, rememberedAddressesMax)
    assert.strictEqual(kept[0]?.remoteAddress, "a1")
    for (let i = 0; i < rememberedEmailsMax; i++) remembered.remember(guess(`${i}@example.test`), i)
    assert.deepStrictEqual(remembered.of("ada@example.test"), [])
    assert.lengthOf(remembered.of("0@example.test"), 1)
  })
})
