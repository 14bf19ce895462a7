import { assert, describe, it } from "@effect/vitest"
import type { Operation } from "../../src/testing/checker/History.ts"
import { keyValue } from "../../src/testing/checker/KeyValue.ts"
import type { KeyValueInput, KeyValueOutput } from "../../src/testing/checker/KeyValue.ts"
import { checkLinearizability } from "../../src/testing/checker/Linearizability.ts"
import { SeededRandom } from "../../src/testing/SeededRandom.ts"
import { isLinearizable } from "./BruteForce.ts"

type KeyValueOperation = Operation<KeyValueInput, KeyValueOutput>

const stepsMax = 1_000_000
const check = (history: ReadonlyArray<KeyValueOperation>) => checkLinearizability(keyValue, history, stepsMax)

const put = (called: number, returned: number, value: string, key = "k"): KeyValueOperation => ({
  client: "a",
  called,
  returned,
  input: { kind: "put", key, value },
  output: returned === Infinity ? undefined : { kind: "put" }
})
const get = (called: number, returned: number, value: string | null, key = "k"): KeyValueOperation => ({
  client: "b",
  called,
  returned,
  input: { kind: "get", key },
  output: returned === Infinity ? undefined : { kind: "get", value }
})
const cas = (called: number, returned: number, expected: string | null, value: string, swapped: boolean) => ({
  client: "c",
  called,
  returned,
  input: { kind: "cas", key: "k", expected, value } as const,
  output: returned === Infinity ? undefined : ({ kind: "cas", swapped } as const)
})

describe("a linearizable history", () => {
  const histories: Record<string, ReadonlyArray<KeyValueOperation>> = {
    "may be empty": [],
    "may read nothing before the first write": [get(1, 2, null), put(3, 4, "x")],
    "may order concurrent writes either way": [put(1, 10, "x"), put(2, 9, "y"), get(11, 12, "x")],
    "may read a write in flight, and then not the value before": [put(1, 10, "x"), get(2, 3, "x"), get(4, 5, "x")],
    "may have a write happen long after its answer was lost": [put(1, Infinity, "x"), get(5, 6, null), get(7, 8, "x")],
    "may have a write without an answer that never happens": [put(1, Infinity, "x"), get(5, 6, null)],
    "may have a swap without an answer that was refused": [cas(1, Infinity, "y", "x", true), get(5, 6, null)],
    "may need an unseen write to explain a refused swap": [
      put(1, 2, "x"),
      put(3, Infinity, "z"),
      cas(5, 6, "x", "y", false),
      get(7, 8, "z")
    ],
    "treats operations that touch at one instant as concurrent": [put(1, 5, "x"), get(5, 6, null)],
    "is judged key by key": [put(1, 2, "x", "a"), get(3, 4, null, "b"), put(5, 6, "y", "b"), get(7, 8, "x", "a")]
  }
  for (const [claim, history] of Object.entries(histories)) {
    it(claim, () => assert.strictEqual(check(history)._tag, "Linearizable"))
  }
})

describe("a planted violation is found", () => {
  const histories: Record<string, ReadonlyArray<KeyValueOperation>> = {
    "a stale read": [put(1, 2, "x"), put(3, 4, "y"), get(5, 6, "x")],
    "a lost write": [put(1, 2, "x"), get(3, 4, null)],
    "a value that nobody wrote": [put(1, 2, "x"), get(3, 4, "y")],
    "a read that goes back in time during one write": [put(1, 10, "x"), get(2, 3, "x"), get(4, 5, null)],
    "two readers that saw concurrent writes in opposite orders": [
      put(1, 10, "x"),
      put(1, 10, "y"),
      get(11, 12, "x"),
      get(13, 14, "y")
    ],
    "one swap that happened twice": [put(1, 2, "x"), cas(3, 4, "x", "y", true), put(5, 6, "x"), get(7, 8, "y")],
    "two swaps that both won": [put(1, 2, "x"), cas(3, 9, "x", "y", true), cas(4, 8, "x", "z", true)],
    "a refused swap with nothing to refuse it": [put(1, 2, "x"), cas(3, 4, "x", "y", false)],
    "a write read before it was asked for": [get(1, 2, "x"), put(3, Infinity, "x")],
    "a violation on the second of two keys": [put(1, 2, "x", "a"), put(1, 2, "x", "b"), get(3, 4, null, "b")]
  }
  for (const [name, history] of Object.entries(histories)) {
    it(name, () => assert.strictEqual(check(history)._tag, "Violation"))
  }

  it("and shown with its key, what could be explained, and what could not", () => {
    const stale = get(5, 6, "x", "b")
    const verdict = check([get(1, 2, null, "a"), put(1, 2, "x", "b"), put(3, 4, "y", "b"), stale])
    assert.strictEqual(verdict._tag, "Violation")
    if (verdict._tag !== "Violation") return
    assert.strictEqual(verdict.key, "b")
    assert.lengthOf(verdict.explained, 2)
    assert.deepStrictEqual(verdict.stuckAt, [stale])
  })
})

/** Operations on a register that takes each at a random instant, and sometimes lies. About `overlap` of them are concurrent. */
const randomHistory = (
  random: SeededRandom,
  operations: number,
  overlap: number,
  lies: number
): ReadonlyArray<KeyValueOperation> => {
  const planned = Array.from({ length: operations }, (_, i) => {
    const called = i * 100 + random.between(0, 99)
    const happened = called + random.between(1, overlap * 50)
    const returned = happened + random.between(1, overlap * 50)
    const value = random.pick(["x", "y", "z"])
    const input: KeyValueInput = random.pick([
      { kind: "put", key: "k", value } as const,
      { kind: "get", key: "k" } as const,
      { kind: "cas", key: "k", expected: random.pick(["x", "y", null]), value } as const
    ])
    return { called, happened, returned, input, client: `c${i}` }
  })
  let state: string | null = null
  return planned
    .sort((a, b) => a.happened - b.happened)
    .map(({ client, called, returned, input }): KeyValueOperation => {
      const lost = random.chance(25)
      const happens = !lost || random.chance(50)
      const lie = random.chance(lies)
      let output: KeyValueOutput = { kind: "put" }
      if (input.kind === "get") output = { kind: "get", value: lie ? random.pick(["x", "y", null]) : state }
      if (input.kind === "cas") output = { kind: "cas", swapped: (state === input.expected) !== lie }
      if (happens && (input.kind === "put" || (input.kind === "cas" && state === input.expected))) state = input.value
      return lost
        ? { client, called, returned: Infinity, input, output: undefined }
        : { client, called, returned, input, output }
    })
}

describe("the search", () => {
  it("agrees with the definition on 4,000 random histories, of which many are violations", () => {
    let violations = 0
    for (let seed = 0; seed < 4000; seed++) {
      const random = new SeededRandom(seed)
      const history = randomHistory(random, random.between(2, 7), random.pick([1, 3, 7]), random.pick([0, 20, 80]))
      const expected = isLinearizable(keyValue, history)
      if (!expected) violations++
      assert.strictEqual(check(history)._tag, expected ? "Linearizable" : "Violation", `seed ${seed}`)
    }
    assert.isAbove(violations, 1000)
    assert.isBelow(violations, 3500)
  })

  it("accepts every history of a register that does not lie", () => {
    for (let seed = 0; seed < 50; seed++) {
      assert.strictEqual(check(randomHistory(new SeededRandom(seed), 200, 6, 0))._tag, "Linearizable", `seed ${seed}`)
    }
  })

  it("says so when the work allowed does not suffice", () => {
    const writes = Array.from({ length: 30 }, (_, i) => put(i, 1000, `v${i}`))
    const history = [...writes, get(2000, 2001, null)]
    assert.strictEqual(checkLinearizability(keyValue, history, 10_000)._tag, "Undecided")
  })

  it("prefers a violation on one key over an undecided other", () => {
    const writes = Array.from({ length: 30 }, (_, i) => put(i, 1000, `v${i}`, "a"))
    const history = [...writes, get(2000, 2001, null, "a"), put(1, 2, "x", "b"), get(3, 4, null, "b")]
    assert.strictEqual(checkLinearizability(keyValue, history, 10_000)._tag, "Violation")
  })
})
