import { assert, it } from "@effect/vitest"
import { AgentId, MasterId } from "@nxmesh/protocol/Ids"
import { Effect, Layer } from "effect"
import { NodeIdentity } from "../../../src/consensus/NodeIdentity.ts"
import { conditionsOf } from "../../../src/telemetry/accessLogs/AccessLogFilter.ts"
import { LogTails } from "../../../src/telemetry/accessLogs/LogTails.ts"
import { TelemetryGather } from "../../../src/telemetry/TelemetryGather.ts"
import { Limits } from "../../../src/Limits.ts"
import { Result } from "effect"
import { TestClock } from "effect/testing"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { randomLogLine } from "./RandomLines.ts"

const [one, two] = ["a", "b"].map((letter) => MasterId.make(`00000000-0000-7000-8000-00000000000${letter}`))
const agentId = AgentId.make("00000000-0000-7000-8000-000000000001")
type Answerer = (question: unknown) => Effect.Effect<unknown, unknown>

/** Two masters that ask each other in memory; the second can be away. */
const masters = Effect.gen(function* () {
  const answerers = new Map<string, Answerer>()
  const network = { isTwoAway: false }
  const start = Effect.fnUntraced(function* (self: MasterId) {
    const gather = Layer.succeed(TelemetryGather, {
      answer: (_tag, answerer) => Effect.sync(() => void answerers.set(self, answerer)),
      respond: () => Effect.die("nobody asks so"),
      ask: Effect.fnUntraced(function* (question) {
        const asked: unknown = JSON.parse(JSON.stringify(question))
        const there = [...answerers].filter(([id]) => id === self || !(network.isTwoAway && id === two))
        const answers = yield* Effect.forEach(there, ([id, answerer]) =>
          Effect.map(Effect.orDie(answerer(asked)), (answer) => ({ master: MasterId.make(id), answer }))
        )
        const missing = network.isTwoAway && self !== two && two !== undefined ? [{ master: two, reason: "away" }] : []
        return { answers, missing }
      })
    })
    const context = yield* Layer.build(
      Layer.fresh(LogTails.layer).pipe(
        Layer.provide(Layer.merge(gather, Layer.mock(NodeIdentity)({ nodeId: self } as never)))
      )
    )
    return yield* LogTails.pipe(Effect.provide(context))
  })
  return { network, first: yield* start(one as MasterId), second: yield* start(two as MasterId) }
})

const random = new SeededRandom(3)
const report = (count: number, uri: string) => ({
  dropped: 0,
  lines: Array.from({ length: count }, () => {
    const line = randomLogLine(random)
    return line.access === undefined ? line : { ...line, access: { ...line.access, uri } }
  })
})
const wanted = (path_prefix: string) => Result.getOrThrow(conditionsOf({ path_prefix }, null))

it.effect("a tail gets what any master took and it wants, and is told who is away", () =>
  Effect.gen(function* () {
    const { first, network, second } = yield* masters
    const tail = yield* first.open(wanted("/wanted"))
    yield* TestClock.adjust(Limits.accessLogs.tailAskInterval)
    yield* first.offer(agentId, [report(1, "/wanted/here"), report(1, "/other")])
    yield* second.offer(agentId, [report(1, "/wanted/there"), report(1, "/other")])
    yield* TestClock.adjust(Limits.accessLogs.tailAskInterval)
    const { dropped, rows } = yield* tail.drain
    assert.deepStrictEqual(rows.map(({ uri }) => uri).toSorted(), ["/wanted/here", "/wanted/there"])
    assert.strictEqual(dropped, 0)
    assert.deepStrictEqual(yield* tail.missing, [])

    network.isTwoAway = true
    yield* TestClock.adjust(Limits.accessLogs.tailAskInterval)
    assert.deepStrictEqual(
      (yield* tail.missing).map(({ master }) => master),
      [two]
    )
    network.isTwoAway = false
    yield* second.offer(agentId, [report(1, "/wanted/back")])
    yield* TestClock.adjust(Limits.accessLogs.tailAskInterval)
    assert.deepStrictEqual(
      (yield* tail.drain).rows.map(({ uri }) => uri),
      ["/wanted/back"]
    )
    assert.deepStrictEqual(yield* tail.missing, [])
  })
)

it.effect("a slow reader loses lines, which are counted, and memory stays bounded", () =>
  Effect.gen(function* () {
    const { first } = yield* masters
    const tail = yield* first.open(wanted("/"))
    const most = Limits.accessLogs.tailLinesMax
    for (let count = 0; count < most + 500; count += 100) yield* first.offer(agentId, [report(100, "/x")])
    const { dropped, rows } = yield* tail.drain
    assert.strictEqual(rows.length, most)
    assert.strictEqual(dropped, 500)
    assert.strictEqual((yield* tail.drain).dropped, 0)
  })
)

it.effect("a master gives nothing for a tail that asks no more, and no more tails than allowed are open", () =>
  Effect.gen(function* () {
    const { first, second } = yield* masters
    yield* Effect.scoped(first.open(wanted("/")))
    const tails = Array.from({ length: Limits.accessLogs.tailsMax }, () => second.open(wanted("/")))
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* Effect.all(tails)
        assert.match((yield* Effect.flip(second.open(wanted("/")))).message, /tails are open on this master/)
      })
    )
    yield* second.open(wanted("/"))
  })
)
