import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Layer, Redacted } from "effect"
import { layerJsonLogger } from "../../src/observe/JsonLogger.ts"

const collect = () => {
  const lines: Array<string> = []
  const layer = layerJsonLogger({ component: "master", minimumLevel: "Debug", write: (line) => void lines.push(line) })
  return { lines, layer, records: () => lines.map((line) => JSON.parse(line)) }
}

describe("JsonLogger", () => {
  it.effect("writes the fields of OB-001, one object a line", () => {
    const { layer, lines, records } = collect()
    return Effect.gen(function* () {
      yield* Effect.logInfo("Configuration applied successfully", { version: 42, duration_ms: 150 }).pipe(
        Effect.annotateLogs({ agent_id: "550e8400-e29b-41d4-a716-446655440000", config_id: "config-123" }),
        Effect.withSpan("deploy")
      )
      yield* Effect.logWarning("no span here\nsecond line").pipe(Effect.annotateLogs({ component: "agent" }))
      assert.isTrue(lines.every((line) => line.endsWith("\n") && line.split("\n").length === 2))
      const [first, second] = records()
      assert.deepStrictEqual(Object.keys(first), [
        "timestamp",
        "level",
        "component",
        "agent_id",
        "trace_id",
        "span_id",
        "message",
        "fields"
      ])
      assert.deepInclude(first, { level: "INFO", component: "master", message: "Configuration applied successfully" })
      assert.deepStrictEqual(first.fields, { config_id: "config-123", version: 42, duration_ms: 150 })
      assert.match(first.trace_id, /^[0-9a-f]{32}$/)
      assert.match(first.span_id, /^[0-9a-f]{16}$/)
      assert.deepInclude(second, { level: "WARN", component: "agent", trace_id: null, span_id: null, fields: {} })
      assert.notProperty(second, "agent_id")
    }).pipe(Effect.provide(layer))
  })

  it.effect("masks secrets, by type and by name, however deep", () => {
    const { layer, lines } = collect()
    return Effect.gen(function* () {
      yield* Effect.logInfo("secrets", {
        value: Redacted.make("plain-1"),
        password: "plain-2",
        nested: { private_key: "plain-3", refresh_token: "plain-4", list: [{ Authorization: "Bearer plain-5" }] }
      })
      assert.notInclude(lines.join(""), "plain-")
      assert.include(lines.join(""), "<redacted>")
    }).pipe(Effect.provide(layer))
  })

  it.effect("tells what failed, and survives what JSON cannot hold", () => {
    const { layer, records } = collect()
    const circular: Record<string, unknown> = { big: 10n, bytes: new Uint8Array(3), not: Number.NaN }
    circular["self"] = circular
    return Effect.gen(function* () {
      yield* Effect.logError("failed", Cause.fail(new Error("disk full")))
      yield* Effect.logDebug("odd", circular)
      const [failed, odd] = records()
      assert.deepInclude(failed, { level: "ERROR", message: "failed" })
      assert.include(failed.fields.error, "disk full")
      assert.deepInclude(odd.fields, { big: "10", bytes: "<3 bytes>", not: "NaN" })
    }).pipe(Effect.provide(layer))
  })

  it.effect("leaves out what is below the minimum level", () => {
    const { layer, lines } = collect()
    return Effect.logTrace("detail").pipe(
      Effect.andThen(Effect.sync(() => assert.deepStrictEqual(lines, []))),
      Effect.provide(Layer.fresh(layer))
    )
  })
})
