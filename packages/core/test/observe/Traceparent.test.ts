import { assert, describe, it } from "@effect/vitest"
import { Effect, Tracer } from "effect"
import {
  continued,
  parseTraceparent,
  sampledTraceparent,
  traceparentOf,
  untraced
} from "../../src/observe/Traceparent.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"
const spanId = "b7ad6b7169203331"
const text = `00-${traceId}-${spanId}-01`

describe("Traceparent", () => {
  it("is read as W3C's own example has it, and written back", () => {
    const span = parseTraceparent(text)
    assert.deepInclude(span, { traceId, spanId, sampled: true })
    assert.strictEqual(span && traceparentOf(span), text)
    assert.strictEqual(parseTraceparent(`00-${traceId}-${spanId}-00`)?.sampled, false)
    assert.strictEqual(parseTraceparent(`00-${traceId}-${spanId}-03`)?.sampled, true)
  })

  it("counts as absent when it is malformed", () => {
    const malformed = [
      "",
      "00",
      `01-${traceId}-${spanId}-01`,
      `00-${"0".repeat(32)}-${spanId}-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `${text}-extra`,
      `${text}\n`,
      17,
      null,
      undefined
    ]
    for (const each of malformed) assert.isUndefined(parseTraceparent(each), String(each))
  })

  it("continues the first and is linked to each other one once", () => {
    const other = `00-${"a".repeat(32)}-${spanId}-01`
    const options = continued([undefined, "nonsense", text, other, text, other])
    assert.isTrue("parent" in options && options.parent.traceId === traceId)
    assert.deepStrictEqual(
      options.links?.map(({ span }) => span.traceId),
      ["a".repeat(32)]
    )
    assert.deepStrictEqual(continued([undefined]), { root: true })
  })

  it.effect("travels only when it is recorded", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* sampledTraceparent)
      assert.match((yield* Effect.withSpan(sampledTraceparent, "a")) ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
      assert.isUndefined(yield* Effect.withSpan(sampledTraceparent, "a", { sampled: false }))
      assert.isUndefined(
        yield* Effect.withSpan(sampledTraceparent, "a").pipe(Effect.provideService(Tracer.MinimumTraceLevel, "None"))
      )
    })
  )

  it.effect("is not that of the span in which a fiber was started that outlives it", () =>
    Effect.gen(function* () {
      assert.isUndefined(yield* Effect.withSpan(untraced(sampledTraceparent), "starter"))
    })
  )
})
