import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { advance, begin, next, type Search, type Unit, type Verdict } from "../../src/deploy/CulpritSearch.ts"

const noRequirements = () => []

/** Runs a search to its end; how many tests it took. */
const search = (
  units: ReadonlyArray<Unit>,
  test: (part: ReadonlyArray<Unit>) => Verdict<string>,
  options: { readonly requires?: (unit: Unit) => ReadonlyArray<Unit>; readonly suspects?: ReadonlySet<Unit> } = {}
): { readonly end: Search<string>; readonly runs: number; readonly parts: ReadonlyArray<ReadonlyArray<Unit>> } => {
  const whole = test(units)
  if (whole.passed) throw new Error("there is nothing to search for")
  let state = begin({ units, requires: noRequirements, whole, ...options })
  const parts: Array<ReadonlyArray<Unit>> = []
  for (let part = next(state); part !== null; part = next(state)) {
    parts.push(part)
    if (parts.length > 10_000) throw new Error("the search does not end")
    state = advance(state, test(part))
  }
  return { end: state, runs: parts.length, parts }
}

const refusal = (error: string, blamed: Unit | null): Verdict<string> => ({ passed: false, error, blamed })
const passed: Verdict<string> = { passed: true }

/** Refuses every part with a bad unit in it, and names the first one when it is one that nginx can name. */
const tester = (bad: ReadonlySet<Unit>, isNamed: (unit: Unit) => boolean) => (part: ReadonlyArray<Unit>) => {
  const [first] = part.filter((unit) => bad.has(unit))
  return first === undefined ? passed : refusal(`no ${first}`, isNamed(first) ? first : null)
}

const named = () => true
const unnamed = () => false
const numbered = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`)
const culprits = ({ culprits }: Search<string>) => new Set(culprits.map(({ unit }) => unit))
const someOf = (units: ReadonlyArray<Unit>, seeds: ReadonlyArray<number>) =>
  new Set(seeds.map((seed) => units[Math.abs(seed) % units.length] ?? ""))

describe("CulpritSearch", () => {
  it("takes the word of nginx for the culprit, and tries the rest once", () => {
    const { end, runs } = search(numbered(100), tester(new Set(["u40"]), named))
    assert.deepStrictEqual(end.culprits, [{ unit: "u40", error: "no u40" }])
    assert.strictEqual(runs, 1)
  })

  it("finds one among a thousand that nobody names, in twenty tests", () => {
    const { end, runs } = search(numbered(1_000), tester(new Set(["u677"]), unnamed))
    assert.deepStrictEqual(end.culprits, [{ unit: "u677", error: "no u677" }])
    assert.isAtMost(runs, 21)
  })

  it("says that there is nothing to find when the tree is refused without any resource", () => {
    const { end, runs } = search(numbered(50), () => refusal("nginx.conf is broken", null))
    assert.strictEqual(end.hopeless, "nginx.conf is broken")
    assert.strictEqual(end.culprits.length, 0)
    assert.strictEqual(runs, 1)
  })

  it("gives up too when every resource is blamed in turn, and the tree without them is refused", () => {
    const { end } = search(numbered(3), (part) => refusal("no", part[0] ?? null))
    assert.strictEqual(end.hopeless, "no")
  })

  it("takes out what requires a culprit without blaming it", () => {
    const requires = (unit: Unit) => (unit === "u3" || unit === "u4" ? ["u1"] : [])
    const { end, parts } = search(numbered(6), tester(new Set(["u1"]), named), { requires })
    assert.deepStrictEqual(Array.from(culprits(end)), ["u1"])
    assert.deepStrictEqual(end.good, ["u0", "u2", "u5"])
    assert.deepStrictEqual(parts, [["u0", "u2", "u5"]])
  })

  it("blames what a group requires, also when that passed by itself", () => {
    // A certificate is read when a host uses it.
    const test = (part: ReadonlyArray<Unit>) => (part.includes("host") ? refusal("key", "certificate") : passed)
    const { end } = search(["other", "host"], test, {
      requires: (unit) => (unit === "host" ? ["certificate"] : [])
    })
    assert.deepStrictEqual(end.culprits, [{ unit: "certificate", error: "key" }])
    assert.deepStrictEqual(end.good, ["other"])
  })

  it("finds a culprit of a time before without a search of its own", () => {
    const { end, runs } = search(numbered(5_000), tester(new Set(["u123"]), unnamed), { suspects: new Set(["u123"]) })
    assert.deepStrictEqual(end.culprits, [{ unit: "u123", error: "no u123" }])
    assert.isAtMost(runs, 2)
  })

  it("lets a suspect go that is no culprit any more, and finds the one that is", () => {
    const { end } = search(numbered(64), tester(new Set(["u7"]), unnamed), { suspects: new Set(["u50"]) })
    assert.deepStrictEqual(Array.from(culprits(end)), ["u7"])
    assert.isTrue(end.good.includes("u50"))
  })

  it("names the later one of two that cannot be together", () => {
    const test = (part: ReadonlyArray<Unit>) =>
      part.includes("u3") && part.includes("u9") ? refusal("both", null) : passed
    const { end } = search(numbered(16), test)
    assert.deepStrictEqual(Array.from(culprits(end)), ["u9"])
    assert.strictEqual(end.good.length, 15)
  })

  it.prop(
    "finds exactly the culprits, named or not, in at most 2 k log2 n tests and a few",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 200 })),
      Schema.Array(Schema.Int).check(Schema.isMinLength(1), Schema.isMaxLength(8)),
      Schema.Int
    ],
    ([count, seeds, names]) => {
      const units = numbered(count)
      const bad = someOf(units, seeds)
      const isNamed = (unit: Unit) => (Number(unit.slice(1)) + names) % 3 === 0
      const { end, parts, runs } = search(units, tester(bad, isNamed))
      assert.deepStrictEqual(culprits(end), bad)
      assert.strictEqual(end.good.length, count - bad.size)
      assert.isAtMost(runs, 2 * bad.size * Math.ceil(Math.log2(count + 1)) + bad.size + 2)
      assert.strictEqual(new Set(parts.map((part) => part.join())).size, runs, "no part is tested twice")
    }
  )

  it.prop(
    "tests only parts that hold what their units require, and ends with a part that passes",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 60 })),
      Schema.Array(Schema.Int).check(Schema.isMinLength(1), Schema.isMaxLength(6)),
      Schema.Array(Schema.Tuple([Schema.Int, Schema.Int])).check(Schema.isMaxLength(4)),
      Schema.Int
    ],
    ([count, seeds, pairs, step]) => {
      const units = numbered(count)
      const upstreams = Math.ceil(count / 3)
      const requires = (unit: Unit) => {
        const index = Number(unit.slice(1))
        return index < upstreams ? [] : [`u${Math.abs(index * 7 + step) % upstreams}`]
      }
      const bad = someOf(units, seeds)
      const clashes = pairs.map((pair) => someOf(units, pair))
      const isRefused = (part: ReadonlySet<Unit>) =>
        [...bad].some((unit) => part.has(unit)) ||
        clashes.some((clash) => clash.size > 1 && [...clash].every((unit) => part.has(unit)))
      const test = (part: ReadonlyArray<Unit>): Verdict<string> => {
        const held = new Set(part)
        assert.isTrue(part.every((unit) => requires(unit).every((one) => held.has(one))))
        return isRefused(held) ? refusal("no", null) : passed
      }
      const { end } = search(units, test, { requires })
      assert.isNull(end.hopeless)
      assert.isFalse(isRefused(new Set(end.good)))
      const mayBeBlamed = new Set([...bad, ...clashes.flatMap((clash) => [...clash])])
      for (const { unit } of end.culprits) assert.isTrue(mayBeBlamed.has(unit))
    }
  )
})
