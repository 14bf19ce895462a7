/** What a node makes of what its storage recovered. */
import { assert, describe, it } from "@effect/vitest"
import { defaultOptions } from "../../src/core/Options.ts"
import type { Options } from "../../src/core/Options.ts"
import { initialHardState, initialState } from "../../src/core/State.ts"
import type { Recovered } from "../../src/core/State.ts"
import { configuration } from "./Network.ts"

const three = ["a", "b", "c"]

describe("a start", () => {
  const recovered: Recovered = {
    id: "a",
    options: defaultOptions,
    seed: 1,
    hardState: { ...initialHardState, term: 2 },
    snapshot: { metadata: { index: 5, term: 1, configuration: configuration(three) }, bytes: 1, checksum: 1 },
    base: { index: 5, term: 1 },
    entries: [{ kind: "Empty", term: 2, index: 6 }],
    bootstrap: null,
    applied: 5
  }

  it("takes the configuration from the snapshot", () => {
    const state = initialState(recovered)
    assert.deepStrictEqual(state.configurations, [{ index: 5, configuration: configuration(three) }])
    assert.strictEqual(state.commit, 5)
  })

  it("is in the term of its last entry when the hard state is older, and has not voted there", () => {
    const state = initialState({ ...recovered, hardState: { term: 1, vote: "b", commit: 0 } })
    assert.deepInclude(state, { term: 2, vote: null })
    assert.deepInclude(initialState({ ...recovered, hardState: { term: 2, vote: "b", commit: 0 } }), { vote: "b" })
    assert.deepInclude(initialState({ ...recovered, hardState: { term: 4, vote: "b", commit: 0 } }), { term: 4 })
  })

  it("takes for committed what was applied, what a snapshot covers and what was known, within the log", () => {
    assert.strictEqual(initialState({ ...recovered, applied: 6 }).commit, 6)
    const known = (commit: number): number =>
      initialState({ ...recovered, hardState: { ...recovered.hardState, commit } }).commit
    assert.deepStrictEqual([0, 5, 6, 9].map(known), [5, 5, 6, 6])
  })

  it("is refused when entries are missing, instead of inventing a state (scenario 31)", () => {
    const broken: ReadonlyArray<[change: Partial<Recovered>, reason: RegExp]> = [
      [{ base: { index: 7, term: 1 }, entries: [] }, /entries are missing/],
      [{ base: { index: 3, term: 1 }, entries: [] }, /reset the log to the snapshot/],
      [{ base: { index: 5, term: 9 } }, /different entries at 5/],
      [{ entries: [{ kind: "Empty", term: 2, index: 7 }] }, /entry 7 was appended where 6 belongs/],
      [{ applied: 8 }, /has applied 8, the log ends at 6/],
      [{ applied: 3 }, /has applied 3, the log starts after 5/]
    ]
    for (const [change, reason] of broken) assert.throws(() => initialState({ ...recovered, ...change }), reason)
  })

  it("is refused with settings that contradict each other", () => {
    const broken: ReadonlyArray<[change: Partial<Options>, reason: RegExp]> = [
      [{ heartbeatTicks: 0 }, /heartbeatTicks must be at least 1/],
      [{ electionTicks: 2 }, /electionTicks must be greater/],
      [{ priority: -1 }, /priority must not be negative/],
      [{ reads: "Lease", checkQuorum: false }, /lease reads need checkQuorum/],
      [{ inflightMessagesMax: 0 }, /inflightMessagesMax must be at least 1/],
      [{ inflightBytesMax: 0 }, /inflightBytesMax must be at least 1/]
    ]
    for (const [change, reason] of broken) {
      const options = { ...defaultOptions, ...change }
      assert.throws(() => initialState({ ...recovered, options }), reason)
    }
  })
})
