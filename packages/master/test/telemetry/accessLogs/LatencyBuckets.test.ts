import {
  bucketOfMicros,
  type LatencyCounts,
  latencyErrorMax,
  mergeCounts,
  microsOfBucket,
  percentileMicros
} from "../../../src/telemetry/accessLogs/LatencyBuckets.ts"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { expect, test } from "vitest"

const random = new SeededRandom(6)
const below = (bound: number) => random.between(0, bound - 1)
/** Some, of every size. */
const latencies = (): ReadonlyArray<number> =>
  Array.from({ length: 1 + below(200) }, () => 1 + below(10 ** (1 + below(9))))
const countsOf = (micros: ReadonlyArray<number>): LatencyCounts =>
  micros
    .map(bucketOfMicros)
    .reduce<LatencyCounts>((counts, bucket) => mergeCounts(counts, new Map([[bucket, 1]])), new Map())

test("a percentile is within its share of the latency that has that rank", () => {
  for (let round = 0; round < 40; round++) {
    const micros = latencies()
    for (const share of [0.5, 0.95, 0.99]) {
      const exact = micros.toSorted((left, right) => left - right)[Math.ceil(share * micros.length) - 1] ?? 0
      const told = percentileMicros(countsOf(micros), share) ?? 0
      expect(Math.abs(told - exact)).toBeLessThanOrEqual(latencyErrorMax * exact * 1.000001)
    }
  }
})

test("counts of two masters amount to the counts of all", () => {
  for (let round = 0; round < 50; round++) {
    const [left, right] = [latencies(), latencies()]
    expect(mergeCounts(countsOf(left), countsOf(right))).toEqual(countsOf([...left, ...right]))
  }
})

test("no latency at all has a bucket of its own, and no requests have no percentile", () => {
  expect(microsOfBucket(bucketOfMicros(0))).toBe(0)
  expect(percentileMicros(new Map(), 0.5)).toBeNull()
  expect(bucketOfMicros(Number.MAX_SAFE_INTEGER)).toBe(640)
})
