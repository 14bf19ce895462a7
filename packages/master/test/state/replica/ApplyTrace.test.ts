/** A proposal's trace is for whoever looks, and nothing to apply (rule 6). */
import { assert, describe, it } from "@effect/vitest"
import { layerTracing } from "@nxmesh/core/observe/Tracing"
import { Clock, Effect, Queue } from "effect"
import { startCollector } from "../../../../../test/support/Collector.ts"
import { Database } from "../../../src/state/Database.ts"
import { stateDigest } from "../../../src/state/digest/StateDigest.ts"
import { Events } from "../../../src/state/Events.ts"
import { encodeProposal } from "../../../src/state/replica/CommandBytes.ts"
import { saveOrganization, temporaryDirectory } from "../TestMaster.ts"
import { inState, machineOf, noChanges, proposalOf } from "./TestState.ts"

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/** Applies a command appended at this time, in a state of its own; what it answers, what it leaves, and what followers hear. */
const applied = (millis: number, trace: string | undefined) =>
  Effect.flatMap(temporaryDirectory, (directory) =>
    inState(directory)(
      Effect.gen(function* () {
        const machine = yield* machineOf
        const events = yield* (yield* Events).subscribe
        const proposal = { ...proposalOf(saveOrganization(1)), ...(trace === undefined ? {} : { trace }) }
        const results = machine.apply({
          commands: [{ index: 1, term: 1, millis, data: encodeProposal(proposal) }],
          last: { index: 1, term: 1 },
          sessionChanges: () => noChanges
        })
        return {
          results: results.map((bytes) => Buffer.from(bytes).toString()),
          digest: stateDigest((yield* Database).writer),
          traces: (yield* Queue.clear(events)).map((event) => event.trace)
        }
      })
    )
  )

const layer = (endpoint: string) =>
  layerTracing({ endpoint, ratio: 1, service: "nxmesh-master", version: "1", instance: "m1" })

describe("the trace of a proposal", () => {
  it.live("changes neither the state nor the answer, whatever it is", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const { digest, results } = yield* applied(now, undefined)
      for (const trace of [traceparent, "nonsense", "x".repeat(10_000)]) {
        const other = yield* applied(now, trace)
        assert.deepStrictEqual([other.digest, other.results], [digest, results])
      }
    })
  )

  it.live("goes on with whoever follows the state, also where nothing is recorded", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      assert.deepStrictEqual((yield* applied(now, traceparent)).traces, [traceparent])
      assert.deepStrictEqual((yield* applied(now, undefined)).traces, [undefined])
    })
  )

  it.live("gets the spans of Raft and of apply, but not when an old log is applied again", () =>
    Effect.gen(function* () {
      const collector = yield* Effect.acquireRelease(
        Effect.promise(() => startCollector()),
        ({ close }) => Effect.promise(close)
      )
      const now = yield* Clock.currentTimeMillis
      const [following] = (yield* Effect.provide(applied(now, traceparent), layer(collector.url))).traces
      assert.sameMembers(
        collector.spans.map(({ name }) => name),
        ["Raft.commit", "State.apply"]
      )
      const apply = collector.spans.find(({ name }) => name === "State.apply")
      assert.strictEqual(following, `00-${apply?.traceId}-${apply?.spanId}-01`)
      assert.strictEqual(apply?.parentSpanId, traceparent.split("-")[2])
      assert.strictEqual(apply?.attributes["nxmesh.outcome"], "accepted")

      const again = yield* Effect.provide(applied(now - 3_600_000, traceparent), layer(collector.url))
      assert.deepStrictEqual(again.traces, [undefined])
      assert.lengthOf(collector.spans, 2)
    })
  )
})
