import { assert, describe, it } from "@effect/vitest"
import { dayInName, dayMillis, expired, oldestOf, partitionName } from "../../src/telemetry/postgres/Partitions.ts"
import { kindToCut, type RetentionBounds } from "../../src/telemetry/Retention.ts"
import { tables } from "../../src/telemetry/TelemetryTables.ts"

const days = (count: number) =>
  Object.fromEntries(Object.keys(tables).map((table) => [table, count * dayMillis])) as RetentionBounds["keptMillis"]

describe("The days of telemetry in Postgres", () => {
  it("are told by their names, and nothing else is", () => {
    assert.strictEqual(dayInName("metrics", partitionName("metrics", 20_513)), 20_513)
    for (const name of [
      "metrics",
      "metrics_other",
      "metrics_minute_d20513",
      "metrics_d",
      "metrics_dx",
      "metrics_d1x"
    ]) {
      assert.isNull(dayInName("metrics", name), name)
    }
  })

  it("go when their last moment is too old, by their own kind's time", () => {
    const names = ["health_d10", "health_d11", "metrics_d10", "metrics_minute_d3", "events_d2", "agents"]
    const kept = { ...days(2), metrics: dayMillis / 2, events: 100 * dayMillis }
    assert.deepStrictEqual(expired(names, 13 * dayMillis - 1, kept), ["metrics_d10", "metrics_minute_d3"])
    assert.deepStrictEqual(expired(names, 13 * dayMillis, kept), ["health_d10", "metrics_d10", "metrics_minute_d3"])
  })

  it("go from the oldest of the finest on when there is too much, and today's never", () => {
    const names = ["metrics_d9", "metrics_d8", "metrics_minute_d1", "metrics_d10"]
    assert.strictEqual(oldestOf("metrics", names, 10), "metrics_d8")
    assert.strictEqual(oldestOf("metrics", ["metrics_minute_d1", "metrics_d10"], 10), "metrics_minute_d1")
    assert.isNull(oldestOf("metrics", ["metrics_d10", "metrics_d11"], 10))
  })

  it("cost the kind that is furthest above its share", () => {
    const bytes = { health: 1, metrics: 10, access_logs: 80, error_logs: 5, events: 4 }
    assert.isNull(kindToCut(bytes, 100))
    assert.strictEqual(kindToCut(bytes, 99), "access_logs")
    assert.strictEqual(kindToCut({ ...bytes, events: 40 }, 99), "events")
  })
})
