import { assert, describe, it } from "@effect/vitest"
import { MasterId } from "@nxmesh/protocol/Ids"
import { Effect, Layer } from "effect"
import { TelemetryGather, TelemetryPeers, TelemetryPeerSilent } from "../../src/telemetry/TelemetryGather.ts"
import { type TelemetryDialect, TelemetryQueryFailed, TelemetrySql } from "../../src/telemetry/TelemetrySql.ts"

const [one, two, three] = [1, 2, 3].map((number) => MasterId.make(`018f0000-0000-7000-8000-00000000000${number}`)) as [
  MasterId,
  MasterId,
  MasterId
]

const gather = (dialect: TelemetryDialect, ask: (id: MasterId) => Effect.Effect<string, TelemetryPeerSilent>) =>
  TelemetryGather.layer.pipe(
    Layer.provide(
      Layer.succeed(TelemetryPeers, { self: one, others: Effect.succeed([two, three]), ask: (id) => ask(id) })
    ),
    Layer.provide(Layer.mock(TelemetrySql)({ dialect }))
  )

const question = { _tag: "count", of: "lines" }
const answering = TelemetryGather.use(({ answer }) => answer("count", () => Effect.succeed(1)))
const silent = Effect.fail(new TelemetryPeerSilent({ message: "m3 cannot be reached" }))
const asked = (id: MasterId) => (id === two ? Effect.succeed("2") : silent)

describe("A question about telemetry", () => {
  it.effect("has the answers of all masters, and names those that gave none", () =>
    Effect.gen(function* () {
      yield* answering
      const gathered = yield* TelemetryGather.use(({ ask }) => ask(question))
      assert.deepStrictEqual(gathered, {
        answers: [
          { master: one, answer: 1 },
          { master: two, answer: 2 }
        ],
        missing: [{ master: three, reason: "m3 cannot be reached" }]
      })
    }).pipe(Effect.provide(gather("sqlite", asked)))
  )

  it.effect("is asked of one master where Postgres has the answers of all, unless it is about their memory", () =>
    Effect.gen(function* () {
      yield* answering
      const { ask } = yield* TelemetryGather
      assert.deepStrictEqual((yield* ask(question)).missing, [])
      assert.lengthOf((yield* ask(question, { everywhere: true })).answers, 2)
    }).pipe(Effect.provide(gather("postgres", asked)))
  )

  it.effect("fails when this master itself cannot answer, and names one that answers nonsense", () =>
    Effect.gen(function* () {
      const { answer, ask } = yield* TelemetryGather
      assert.include((yield* Effect.flip(ask(question))).message, "does not know questions of the kind count")
      yield* answer("count", () => Effect.fail(new TelemetryQueryFailed({ reason: "TimedOut", message: "slow" })))
      assert.strictEqual((yield* Effect.flip(ask(question))).reason, "TimedOut")
      yield* answer("count", () => Effect.succeed(1))
      assert.lengthOf((yield* ask(question)).missing, 2)
    }).pipe(Effect.provide(gather("sqlite", (id) => (id === two ? Effect.succeed("{") : silent))))
  )
})
