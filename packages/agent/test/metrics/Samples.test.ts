import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { MetricsReport } from "@nxmesh/protocol/link/Report"
import { beginning } from "../../src/metrics/DeploymentMetrics.ts"
import { samplesOf } from "../../src/metrics/Samples.ts"
import { datagramsOf, statsdLines } from "../../src/metrics/Statsd.ts"

describe("A report of metrics", () => {
  it("leaves out buckets and what is no number, and what does not fit is counted", () => {
    const values = Array.from({ length: 1_200 }, (_, at) => ({ value: at, labels: { at } }))
    const histogram = [
      { value: 1, labels: { le: 5 }, metricName: "h_bucket" },
      { value: 2, labels: {}, metricName: "h_sum" },
      { value: Number.NaN, labels: {}, metricName: "h_count" }
    ]
    const made = samplesOf([
      { name: "h", values: histogram },
      { name: "g", values }
    ])
    assert.deepStrictEqual(made.samples.slice(0, 2), [
      { name: "h_sum", labels: {}, value: 2 },
      { name: "g", labels: { at: "0" }, value: 0 }
    ])
    assert.strictEqual(made.leftOut, 201)
    Schema.decodeUnknownSync(MetricsReport)({ timestamp: "2026-03-02T14:30:00.000Z", samples: made.samples })
  })
})

describe("StatsD", () => {
  const sample = (name: string, value: number, labels: Record<string, string> = {}) => ({ name, value, labels })

  it("is told of counters by what came to them, also after they began anew", () => {
    const first = statsdLines([sample("a_total", 5), sample("g", 1)], new Map())
    assert.deepStrictEqual(first.lines, ["a_total:5|c", "g:1|g"])
    const second = statsdLines([sample("a_total", 7), sample("g", -1)], first.reported)
    assert.deepStrictEqual(second.lines, ["a_total:2|c", "g:0|g", "g:-1|g"])
    assert.deepStrictEqual(statsdLines([sample("a_total", 7)], second.reported).lines, [])
    assert.deepStrictEqual(statsdLines([sample("a_total", 3)], second.reported).lines, ["a_total:3|c"])
  })

  it("gets labels as tags that cannot break a line", () => {
    const { lines } = statsdLines([sample("g", 1, { host: "a:b|c\nd" })], new Map())
    assert.deepStrictEqual(lines, ["g:1|g|#host:a_b_c_d"])
  })

  it("gets datagrams of bounded size", () => {
    assert.deepStrictEqual(datagramsOf(["aaa", "bbb", "c".repeat(20), "dd"], 7), ["aaa\nbbb", "dd"])
    assert.deepStrictEqual(datagramsOf([], 7), [])
  })
})

describe("A step of a deployment", () => {
  it("begins with its record, and with no other", () => {
    assert.strictEqual(beginning({ _tag: "Stepped", step: "test" }), "test")
    assert.isNull(beginning({ _tag: "Accepted", order: { epoch: 1, index: 1 } }))
  })
})
