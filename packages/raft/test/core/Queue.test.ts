import { assert, describe, it } from "@effect/vitest"
import { dequeueWhile, emptyQueue, enqueue, queueItems, queueOf, queueSize } from "../../src/core/Queue.ts"
import type { Queue } from "../../src/core/Queue.ts"
import { nextRandom } from "../../src/core/Random.ts"

describe("a queue", () => {
  it("equals an array that is copied at every change, in each of its versions", () => {
    let seed = 5
    const draw = (below: number): number => {
      const [value, next] = nextRandom(seed, below)
      seed = next
      return value
    }
    const versions: Array<{ readonly queue: Queue<number>; readonly model: ReadonlyArray<number> }> = [
      { queue: emptyQueue, model: [] }
    ]
    for (let i = 0; i < 3_000; i++) {
      // The newest most of the time: so queues become long, and older ones are taken up again.
      const position = draw(4) > 0 ? versions.length - 1 : draw(versions.length)
      const { queue, model } = versions[position] ?? { queue: emptyQueue, model: [] }
      if (draw(5) > 0) {
        versions.push({ queue: enqueue(queue, i), model: [...model, i] })
        continue
      }
      const last = model[draw(model.length + 1)] ?? Number.POSITIVE_INFINITY
      const [taken, rest] = dequeueWhile(queue, (item) => item < last)
      assert.deepStrictEqual([...taken, ...queueItems(rest)], model)
      versions.push({ queue: rest, model: model.filter((item) => item >= last) })
    }
    for (const { queue, model } of versions) {
      assert.deepStrictEqual(queueItems(queue), model)
      assert.strictEqual(queueSize(queue), model.length)
      assert.deepStrictEqual(queueItems(queueOf(model)), model)
    }
  })

  it("takes from the front alone, as long as the condition holds", () => {
    const [taken, rest] = dequeueWhile(queueOf([1, 2, 9, 3]), (item) => item < 5)
    assert.deepStrictEqual(
      [taken, queueItems(rest)],
      [
        [1, 2],
        [9, 3]
      ]
    )
    assert.strictEqual(dequeueWhile(rest, () => true)[1], emptyQueue)
  })

  it("keeps no more than twice what is in it, however long it is used", () => {
    let queue: Queue<number> = emptyQueue
    for (let i = 0; i < 1_000; i++) {
      queue = enqueue(queue, i)
      if (i >= 10) queue = dequeueWhile(queue, (item) => item <= i - 10)[1]
      assert.isAtMost(queue.backing.length, 21)
    }
    assert.strictEqual(queueSize(queue), 10)
  })

  it("extends its array in place: to wait behind a thousand costs no copy", () => {
    let queue = queueOf([0])
    const { backing } = queue
    for (let i = 1; i <= 1_000; i++) queue = enqueue(queue, i)
    assert.strictEqual(queue.backing, backing)
  })
})
