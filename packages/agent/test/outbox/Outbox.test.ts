import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Fiber, Layer, Option, Scope } from "effect"
import { TestClock } from "effect/testing"
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { temporaryDirectory } from "../../../../test/support/Fleet.ts"
import { until } from "../../../../test/support/Wait.ts"
import { AlertBoard } from "../../src/alerts/AlertBoard.ts"
import { Limits } from "../../src/Limits.ts"
import { Outbox } from "../../src/outbox/Outbox.ts"

const metrics = (value: number, characters = 0) => ({
  timestamp: "2026-03-02T14:30:00.000Z",
  samples: [{ name: "n", labels: characters === 0 ? {} : { pad: "x".repeat(characters) }, value }]
})
const valueOf = ({ report }: { readonly report: string }): number => JSON.parse(report).samples[0].value

interface Options {
  readonly bytesMax?: number
  readonly isUsed?: boolean
}

/** An outbox as one process has it, until `end`, or for good when the process is killed. */
const start = Effect.fnUntraced(function* (
  dataDirectory: string,
  { bytesMax = 1_048_576, isUsed = true }: Options = {}
) {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(
    Layer.fresh(Outbox.layer({ dataDirectory, bytesMax, isUsed }).pipe(Layer.provideMerge(AlertBoard.layer))),
    scope
  )
  const outbox = Context.get(context, Outbox)
  const offer = (...values: ReadonlyArray<number>) =>
    Effect.forEach(values, (value) => outbox.offer("metrics", metrics(value)))
  const alerts = Effect.map(Context.get(context, AlertBoard).current, (all) => all.map(({ code }) => code))
  return { ...outbox, alerts, offer: outbox.offer, offerEach: offer, end: Scope.close(scope, Exit.void) }
})

const segmentsIn = (directory: string) =>
  readdirSync(join(directory, "outbox")).filter((name) => name.endsWith(".segment"))
const nothingWaits = (outbox: Pick<Outbox["Service"], "next">) =>
  Effect.map(Effect.timeoutOption(outbox.next, "1 second"), Option.isNone).pipe(
    Effect.forkChild({ startImmediately: true }),
    Effect.tap(() => TestClock.adjust("1 second")),
    Effect.flatMap(Fiber.join)
  )

describe("The outbox", () => {
  it.effect("gives the oldest first, again until a master has them, and then never", () =>
    Effect.gen(function* () {
      const outbox = yield* start(yield* temporaryDirectory("outbox"))
      yield* outbox.offerEach(1, 2, 3)
      const first = yield* outbox.next
      assert.deepStrictEqual(first.entries.map(valueOf), [1, 2, 3])
      assert.deepStrictEqual(yield* outbox.next, first)
      yield* outbox.acknowledge(first.entries[1]?.sequence ?? 0)
      yield* outbox.offerEach(4)
      assert.deepStrictEqual((yield* outbox.next).entries.map(valueOf), [3, 4])
      yield* outbox.acknowledge(4)
      assert.isTrue(yield* nothingWaits(outbox))
      yield* outbox.end
    })
  )

  it.effect("survives a restart with its id, its order and its sequence", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("outbox")
      const before = yield* start(directory)
      yield* before.offerEach(1, 2, 3)
      const { outbox_id } = yield* before.next
      yield* before.acknowledge(1)
      yield* before.end
      const after = yield* start(directory)
      yield* after.offerEach(4)
      const batches = [yield* after.next]
      yield* after.acknowledge(3)
      batches.push(yield* after.next)
      assert.deepStrictEqual(
        batches.flatMap(({ entries }) => entries.map((entry) => [entry.sequence, valueOf(entry)])),
        [
          [2, 2],
          [3, 3],
          [4, 4]
        ]
      )
      assert.deepStrictEqual([...new Set(batches.map((batch) => batch.outbox_id))], [outbox_id])
      yield* after.end
    })
  )

  it.effect("never uses a sequence twice, although a crash took what was sent and acknowledged", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("outbox")
      const killed = yield* start(directory)
      yield* killed.offerEach(1, 2)
      const { entries } = yield* killed.next
      yield* killed.acknowledge(entries[1]?.sequence ?? 0)
      // As a power cut would: neither the segment nor the acknowledgement was flushed.
      for (const name of segmentsIn(directory)) rmSync(join(directory, "outbox", name))
      const after = yield* start(directory)
      yield* after.offerEach(3)
      const [next] = (yield* after.next).entries
      assert.isAbove(next?.sequence ?? 0, entries[1]?.sequence ?? 0)
      yield* after.end
    })
  )

  it.effect("does not use again what a master has of it when it was put back from a copy", () =>
    Effect.gen(function* () {
      const outbox = yield* start(yield* temporaryDirectory("outbox"))
      yield* outbox.offerEach(1)
      yield* outbox.acknowledge(70)
      yield* outbox.offerEach(2)
      assert.deepStrictEqual(
        (yield* outbox.next).entries.map(({ sequence }) => sequence),
        [71]
      )
      yield* outbox.end
    })
  )

  it.effect("reads on after a torn line, and loses a damaged one alone", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("outbox")
      const before = yield* start(directory)
      yield* before.offerEach(1, 2)
      yield* before.end
      const [name = ""] = segmentsIn(directory)
      const path = join(directory, "outbox", name)
      const [first = "", second = ""] = readFileSync(path, "utf8").split("\n")
      writeFileSync(path, `${first}\n${second.replace("2}", "9}")}\n`)
      appendFileSync(path, first.slice(0, 20))
      const after = yield* start(directory)
      yield* after.offerEach(3)
      const seen = [...(yield* after.next).entries]
      yield* after.acknowledge(seen.at(-1)?.sequence ?? 0)
      seen.push(...(yield* after.next).entries)
      assert.deepStrictEqual(seen.map(valueOf), [1, 3])
      yield* after.end
    })
  )

  it.effect("begins another outbox when what it knows of itself is lost", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("outbox")
      const before = yield* start(directory)
      yield* before.offerEach(1)
      const { outbox_id } = yield* before.next
      yield* before.end
      writeFileSync(join(directory, "outbox", "outbox.json"), '{"outbox_id":')
      const after = yield* start(directory)
      const batch = yield* after.next
      assert.notStrictEqual(batch.outbox_id, outbox_id)
      assert.deepStrictEqual(batch.entries.map(valueOf), [1])
      yield* after.end
    })
  )

  it.effect("stays below its bound, drops the oldest first, and counts them by kind", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("outbox")
      const bytesMax = 65_536
      const outbox = yield* start(directory, { bytesMax })
      for (let value = 1; value <= 200; value++) yield* outbox.offer("metrics", metrics(value, 1_000))
      const { bytes, dropped, reports } = yield* outbox.status
      assert.isAtMost(bytes, bytesMax)
      assert.isAbove(bytes, bytesMax / 2)
      yield* TestClock.adjust(Limits.outboxFlushInterval)
      yield* until(outbox.alerts, (codes) => codes.includes("outbox_dropped"), { fact: "it is an alert" }).pipe(
        TestClock.withLive
      )
      assert.strictEqual(dropped.metrics + reports.metrics, 200)
      assert.strictEqual(dropped.health + dropped.logs, 0)
      const seen: Array<number> = []
      while ((yield* outbox.status).reports.metrics > 0) {
        const batch = yield* outbox.next
        assert.strictEqual(batch.dropped, dropped.metrics)
        seen.push(...batch.entries.map(valueOf))
        yield* outbox.acknowledge(batch.entries.at(-1)?.sequence ?? 0)
      }
      assert.deepStrictEqual(
        seen,
        Array.from({ length: reports.metrics }, (_, index) => dropped.metrics + index + 1)
      )
      yield* outbox.end
      assert.deepStrictEqual(segmentsIn(directory), [], "what was sent leaves nothing on the disk")
    })
  )

  it.effect("counts as dropped only what no master has", () =>
    Effect.gen(function* () {
      const outbox = yield* start(yield* temporaryDirectory("outbox"), { bytesMax: 16_384 })
      yield* outbox.offer("metrics", metrics(1, 400))
      yield* outbox.offer("metrics", metrics(2, 400))
      yield* outbox.acknowledge(1)
      yield* outbox.offer("metrics", metrics(3, 15_500))
      assert.strictEqual((yield* outbox.status).dropped.metrics, 1)
      yield* outbox.end
    })
  )

  it.effect("drops what is older than a week when something newer comes", () =>
    Effect.gen(function* () {
      const outbox = yield* start(yield* temporaryDirectory("outbox"))
      yield* outbox.offerEach(1)
      yield* TestClock.adjust(Limits.outboxAgeMaxMillis + 1)
      yield* outbox.offerEach(2)
      assert.deepStrictEqual((yield* outbox.next).entries.map(valueOf), [2])
      assert.strictEqual((yield* outbox.status).dropped.metrics, 1)
      yield* outbox.end
    })
  )

  it.effect("drops and counts while it cannot be written, says why, and goes on by itself", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("outbox")
      // A file where the directory should be stands for a disk that refuses.
      writeFileSync(join(directory, "outbox"), "")
      const outbox = yield* start(directory)
      assert.isFalse(yield* outbox.offer("metrics", metrics(1)))
      assert.include((yield* outbox.status).problem ?? "", join(directory, "outbox"))
      rmSync(join(directory, "outbox"))
      assert.isFalse(yield* outbox.offer("metrics", metrics(2)), "it is not tried with every report")
      yield* TestClock.adjust(Limits.outboxRetryMillis)
      assert.isTrue(yield* outbox.offer("metrics", metrics(3)))
      const { dropped, problem } = yield* outbox.status
      assert.strictEqual(dropped.metrics, 2)
      assert.isNull(problem)
      const batch = yield* outbox.next
      assert.strictEqual(batch.dropped, 2)
      assert.deepStrictEqual(batch.entries.map(valueOf), [3])
      yield* outbox.end
    })
  )

  it.effect("goes on when somebody removes its directory", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("outbox")
      const outbox = yield* start(directory, { bytesMax: 32_768 })
      yield* outbox.offer("metrics", metrics(1, 3_000))
      rmSync(join(directory, "outbox"), { recursive: true })
      yield* outbox.offer("metrics", metrics(2, 3_000))
      yield* outbox.offer("metrics", metrics(3))
      const seen: Array<number> = []
      while (seen.length < 3) {
        const { entries } = yield* outbox.next
        seen.push(...entries.map(valueOf))
        yield* outbox.acknowledge(entries.at(-1)?.sequence ?? 0)
      }
      assert.deepStrictEqual(seen, [1, 2, 3])
      yield* outbox.end
    })
  )

  it.effect("refuses one report that is larger than half of it", () =>
    Effect.gen(function* () {
      const outbox = yield* start(yield* temporaryDirectory("outbox"), { bytesMax: 8_192 })
      yield* outbox.offerEach(1)
      assert.isFalse(yield* outbox.offer("metrics", metrics(2, 10_000)))
      const { dropped, reports } = yield* outbox.status
      assert.deepStrictEqual([dropped.metrics, reports.metrics], [1, 1], "and what waits there stays")
      yield* outbox.end
    })
  )

  it.effect("keeps nothing where there is no master to send to", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("outbox")
      const outbox = yield* start(directory, { isUsed: false })
      assert.isFalse(yield* outbox.offer("metrics", metrics(1)))
      assert.isFalse(readdirSync(directory).includes("outbox"))
      yield* outbox.end
    })
  )

  it.live("wakes whoever waits for the next report", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory("outbox")
      mkdirSync(join(directory, "outbox"))
      const outbox = yield* start(directory)
      const waiting = yield* Effect.forkChild(outbox.next, { startImmediately: true })
      yield* outbox.offerEach(1)
      assert.deepStrictEqual((yield* Fiber.join(waiting)).entries.map(valueOf), [1])
      yield* outbox.acknowledge(1)
      yield* until(
        Effect.sync(() => segmentsIn(directory)),
        (names) => names.length === 0,
        { fact: "what a master has was removed" }
      )
      yield* outbox.end
    })
  )
})
