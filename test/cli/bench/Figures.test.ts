import { assert, describe, it } from "@effect/vitest"
import { ClosedLoop } from "../../../bench/raft/load/ClosedLoop.ts"
import { LatencyHistogram } from "../../../bench/raft/load/LatencyHistogram.ts"
import { RetryingStore } from "../../../bench/raft/load/RetryingStore.ts"
import type { Done, Store } from "../../../bench/raft/load/Store.ts"
import { longestPause } from "../../../bench/raft/measure/Pause.ts"

describe("latencies", () => {
  it("are told to within one percent, from microseconds to minutes", () => {
    for (const millis of [0.05, 1, 30, 2_000, 60_000]) {
      const histogram = new LatencyHistogram()
      for (let count = 0; count < 99; count++) histogram.add(millis)
      histogram.add(millis * 2)
      assert.closeTo(histogram.percentileMillis(0.5) / millis, 1, 0.01)
      assert.closeTo(histogram.percentileMillis(0.995) / (millis * 2), 1, 0.01)
      assert.strictEqual(histogram.count, 100)
      assert.strictEqual(histogram.maxMillis, millis * 2)
    }
  })
})

describe("the pause after a kill", () => {
  it("ends with the first answer of the new leader, not with those still on their way", () => {
    const answers = [990, 1_001, 1_002, 1_400, 1_401, 1_402]
    assert.deepStrictEqual(longestPause(answers, 1_000), { fromMillis: 1_002, toMillis: 1_400 })
  })

  it("begins at the kill when nothing was on its way", () => {
    assert.deepStrictEqual(longestPause([900, 990, 1_300, 1_310], 1_000), { fromMillis: 1_000, toMillis: 1_300 })
  })

  it("is unknown while nobody answers", () => {
    assert.isNull(longestPause([900], 1_000))
  })
})

/** Answers when it is told to. */
class HeldStore implements Store {
  readonly held: Array<Done> = []
  put(_key: string, _value: Uint8Array, done: Done): void {
    this.held.push(done)
  }
  get(_key: string, done: Done): void {
    this.held.push(done)
  }
  close(): void {}
}

describe("the load", () => {
  it("has one operation of each client on its way, never more", async () => {
    const store = new HeldStore()
    const shape = { operation: "put", clients: 3, keys: 10, valueBytes: 8, pauseMillis: 0 } as const
    const loop = new ClosedLoop(store, shape, () => undefined)
    loop.start()
    assert.strictEqual(store.held.length, 3)
    store.held[1]?.(null)
    assert.strictEqual(store.held.length, 4)
    const stopped = loop.stop()
    for (const at of [0, 2, 3]) store.held[at]?.(null)
    await stopped
    assert.strictEqual(store.held.length, 4)
    assert.strictEqual(loop.take().histogram.count, 4)
  })
})

describe("a client that retries", () => {
  it("asks the next member when one is silent, and takes the first acknowledgement", async () => {
    const silent = new HeldStore()
    const alive = new HeldStore()
    const store = new RetryingStore([silent, alive], { attemptMillis: 1, pauseMillis: 1, deadlineMillis: 10_000 })
    const outcome = await new Promise<string | null>((resolve) => {
      store.put("k", new Uint8Array(1), resolve)
      const answering = setInterval(() => {
        if (alive.held.length === 0) return
        clearInterval(answering)
        alive.held[0]?.(null)
      }, 1)
    })
    assert.isNull(outcome)
    assert.isAtLeast(silent.held.length, 1)
  })
})
