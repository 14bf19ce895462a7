import { assert, describe, it } from "@effect/vitest"
import { compactedTo, configurationAt, latest, noConfiguration, withoutFrom } from "../../src/core/Configuration.ts"
import type { Configurations } from "../../src/core/Configuration.ts"
import { configuration } from "./Network.ts"

const one = configuration(["a"])
const two = configuration(["a", "b"])
const three = configuration(["a", "b", "c"])
const history: Configurations = [
  { index: 3, configuration: one },
  { index: 7, configuration: two },
  { index: 9, configuration: three }
]
const indexes = (configurations: Configurations): ReadonlyArray<number> => configurations.map(({ index }) => index)

describe("the history of configurations", () => {
  it("says what was in effect at an index: from the entry on that brought it", () => {
    assert.deepStrictEqual(
      [3, 6, 7, 8, 9, 50].map((index) => configurationAt(history, index).voters.length),
      [1, 1, 2, 2, 3, 3]
    )
  })

  it("answers with the first for what is before it", () => assert.strictEqual(configurationAt(history, 2), one))

  it("loses what is truncated with its entry, and never the first", () => {
    assert.deepStrictEqual(
      [10, 9, 8, 7, 1].map((from) => indexes(withoutFrom(history, from))),
      [[3, 7, 9], [3, 7], [3, 7], [3], [3]]
    )
  })

  it("keeps, when the log is compacted, the one in effect there and those after", () => {
    assert.deepStrictEqual(
      [2, 6, 7, 8, 9, 50].map((index) => indexes(compactedTo(history, index))),
      [[3, 7, 9], [3, 7, 9], [7, 9], [7, 9], [9], [9]]
    )
  })

  it("that is empty is of a node without a cluster", () =>
    assert.strictEqual(latest([]).configuration, noConfiguration))
})
