import { assert, it } from "@effect/vitest"
import { JoinRate } from "../../src/peer/JoinRate.ts"

const options = { attemptsMax: 2, windowMillis: 1_000, addressesMax: 2 }

it("lets each address try so often in a window", () => {
  const rate = new JoinRate(options)
  assert.deepStrictEqual(
    [rate.take("a", 0), rate.take("a", 1), rate.take("a", 2), rate.take("b", 2), rate.take("a", 999)],
    [true, true, false, true, false]
  )
  assert.isTrue(rate.take("a", 1_000))
})

it("remembers a bounded number of addresses, and forgets the one it has known for longest", () => {
  const rate = new JoinRate(options)
  for (const address of ["a", "a", "b", "b", "c"]) rate.take(address, 0)
  assert.isFalse(rate.take("b", 1))
  assert.isTrue(rate.take("a", 1))
})
