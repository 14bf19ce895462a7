import { assert, describe, it } from "@effect/vitest"
import {
  hourMillis,
  mergedRollups,
  minuteMillis,
  type MetricPoint,
  resolutionFor,
  riseOf,
  rolledUp,
  type Rollup,
  rollupOf
} from "../../src/telemetry/MetricRollup.ts"

const points = (...values: ReadonlyArray<number>): ReadonlyArray<MetricPoint> =>
  values.map((value, index) => ({ atMillis: index * 1_000, value }))
const together = (all: ReadonlyArray<MetricPoint>): Rollup => all.map(rollupOf).reduce(mergedRollups)

/** A generator with a seed, for orders and values (mulberry32). */
const random = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

describe("A rollup", () => {
  it("is the same whatever the order of the samples and however they were grouped", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const next = random(seed)
      const all = Array.from({ length: 2 + Math.floor(next() * 20) }, (_, index) => ({
        atMillis: index * 1_000,
        value: Math.floor(next() * 100)
      }))
      const shuffled = all.map((point) => ({ point, by: next() })).sort((a, b) => a.by - b.by)
      const cut = 1 + Math.floor(next() * (all.length - 1))
      const mixed = shuffled.map(({ point }) => point)
      assert.deepStrictEqual(
        mergedRollups(together(mixed.slice(0, cut)), together(mixed.slice(cut))),
        together(all),
        `seed ${seed}`
      )
    }
  })

  it("of hours made of minutes is the one made of samples", () => {
    const next = random(7)
    const all = Array.from({ length: 300 }, () => ({
      atMillis: Math.floor(next() * 3 * hourMillis),
      value: next() > 0.5 ? 1 : 2
    }))
    const unique = [...new Map(all.map((point) => [point.atMillis, point])).values()]
    for (const [hour, rollup] of rolledUp(unique, hourMillis)) {
      const minutes = [...rolledUp(unique, minuteMillis)].filter(
        ([at]) => Math.floor(at / hourMillis) * hourMillis === hour
      )
      assert.deepStrictEqual(minutes.map(([, one]) => one).reduce(mergedRollups), rollup)
    }
  })

  it("puts a sample at a step's end into the next one", () => {
    const steps = rolledUp(
      [
        { atMillis: 59_999, value: 1 },
        { atMillis: 60_000, value: 2 },
        { atMillis: -1, value: 3 }
      ],
      minuteMillis
    )
    assert.deepStrictEqual(
      [...steps.keys()].sort((a, b) => a - b),
      [-60_000, 0, 60_000]
    )
  })
})

describe("The rise of a counter", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<number>, number | null, number]> = [
    ["goes on from the last value before", [12, 15], 10, 5],
    ["begins with its own first where nothing is known before", [12, 15], null, 3],
    ["begins at zero when it fell before the first", [3, 5], 10, 5],
    ["counts both sides when it fell in between", [12, 15, 2, 4], 10, 9],
    ["counts both sides when nothing was known before", [12, 15, 2, 4], null, 7],
    ["is nothing where nothing happened", [10, 10], 10, 0],
    ["never is less than nothing", [0], 10, 0]
  ]
  for (const [claim, values, before, rise] of cases) {
    it(claim, () => assert.strictEqual(riseOf(together(points(...values)), before), rise))
  }
})

describe("The resolution that is read", () => {
  const kept = { rawMillis: 2 * hourMillis, minuteMillis: 48 * hourMillis }
  const at = (ageMillis: number, stepMillis: number) =>
    resolutionFor({ fromMillis: 1e12 - ageMillis, nowMillis: 1e12, stepMillis }, kept)
  it("is as coarse as the step allows, and as fine as is still kept", () => {
    assert.strictEqual(at(hourMillis, 10_000), "raw")
    assert.strictEqual(at(hourMillis, minuteMillis), "minute")
    assert.strictEqual(at(hourMillis, hourMillis), "hour")
    assert.strictEqual(at(3 * hourMillis, 10_000), "minute")
    assert.strictEqual(at(49 * hourMillis, 10_000), "hour")
  })
})
