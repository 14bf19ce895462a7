import { assert, describe, it } from "@effect/vitest"
import { outboxReports } from "@nxmesh/protocol/link/OutboxBatch"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { LogReport } from "@nxmesh/protocol/link/Report"
import { Schema } from "effect"
import { Limits } from "../../src/Limits.ts"
import { batchOf } from "../../src/outbox/Batch.ts"
import { newState } from "../../src/outbox/OutboxState.ts"
import { splitReport } from "../../src/outbox/SplitReport.ts"

const timestamp = "2026-03-02T14:30:00.000Z"
const logs = (count: number, characters: number): LogReport => ({
  dropped: 3,
  lines: Array.from({ length: count }, (_, index) => ({
    timestamp,
    source: "access",
    text: String(index).padEnd(characters, "x")
  }))
})

describe("A report on its way into the outbox", () => {
  it("is cut to what a master decodes, in order, and says once what was dropped", () => {
    for (const report of [logs(2_500, 20), logs(300, 8_000), logs(0, 0), logs(1, 8_192)]) {
      const texts = splitReport("logs", report)
      const parts = texts.map((text) => Schema.decodeUnknownSync(Schema.fromJsonString(outboxReports.logs))(text))
      assert.deepStrictEqual(
        parts.flatMap(({ lines }) => lines),
        report.lines
      )
      assert.strictEqual(
        parts.reduce((sum, { dropped }) => sum + dropped, 0),
        3
      )
      for (const text of texts) assert.isBelow(text.length, Limits.outboxEntryCharactersMax * 1.1)
    }
  })

  it("leaves metrics their time", () => {
    const samples = Array.from({ length: 1_001 }, (_, index) => ({ name: `n${index}`, labels: {}, value: index }))
    const parts = splitReport("metrics", { timestamp, samples }).map((text) => JSON.parse(text))
    assert.deepStrictEqual(
      parts.map((part) => [part.timestamp, part.samples.length]),
      [
        [timestamp, 1_000],
        [timestamp, 1]
      ]
    )
  })
})

describe("A batch", () => {
  const lines = (count: number, characters: number) =>
    Array.from({ length: count }, (_, index) => ({
      sequence: index + 1,
      kind: "logs" as const,
      atMillis: 0,
      report: "x".repeat(characters)
    }))

  it("holds the oldest that no master has, as many as fit", () => {
    const state = { ...newState("o"), acknowledged: 2, dropped: { health: 1, logs: 2, metrics: 3 } }
    assert.isNull(batchOf(state, lines(2, 1)))
    assert.deepStrictEqual(batchOf(state, lines(4, 1)), {
      outbox_id: "o",
      dropped: 6,
      entries: [3, 4].map((sequence) => ({ sequence, kind: "logs", report: "x" }))
    })
    assert.lengthOf(batchOf(state, lines(1_000, 1))?.entries ?? [], WireLimits.outboxEntriesPerBatchMax)
    const third = Math.floor(Limits.outboxBatchCharactersMax / 3)
    assert.lengthOf(batchOf(state, lines(9, third))?.entries ?? [], 3)
  })

  it("holds one report however large that is", () => {
    assert.lengthOf(batchOf(newState("o"), lines(2, Limits.outboxBatchCharactersMax + 1))?.entries ?? [], 1)
  })
})
