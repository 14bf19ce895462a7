import { assert, describe, it } from "@effect/vitest"
import { refused } from "@nxmesh/protocol/link/LinkRefused"
import type { OutboxBatch } from "@nxmesh/protocol/link/OutboxBatch"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Limits } from "../../src/Limits.ts"
import { paceMillis, type SendBatch, sendOutbox } from "../../src/link/OutboxSender.ts"

/** An outbox of this many batches of one report, and what a master did with them. */
const outboxOf = (count: number, characters = 10) => {
  let acknowledged = 0
  const batch = (sequence: number): OutboxBatch => ({
    outbox_id: "one",
    dropped: 0,
    entries: [{ sequence, kind: "metrics", report: "x".repeat(characters) }]
  })
  return {
    acknowledged: () => acknowledged,
    outbox: {
      next: Effect.suspend(() => (acknowledged < count ? Effect.succeed(batch(acknowledged + 1)) : Effect.never)),
      acknowledge: (through: number) => Effect.sync(() => void (acknowledged = through))
    }
  }
}
const taken = (batch: OutboxBatch) => Effect.succeed({ through: batch.entries.at(-1)?.sequence ?? 0 })

/** Answers in turn; the last one for ever. */
const answering = (...answers: ReadonlyArray<SendBatch>) => {
  const sent: Array<number> = []
  const send: SendBatch = (batch) =>
    Effect.suspend(() => {
      const answer = answers[Math.min(sent.length, answers.length - 1)] ?? taken
      sent.push(batch.entries[0]?.sequence ?? 0)
      return answer(batch)
    })
  return { send, sent }
}

describe("What waits in the outbox", () => {
  it.effect("is sent one batch after the other, no faster than its pace", () =>
    Effect.gen(function* () {
      const half = Limits.outboxBytesPerSecondMax / 2
      assert.strictEqual(paceMillis(half), 500)
      const { outbox } = outboxOf(100, half)
      const { send, sent } = answering(taken)
      const sending = yield* Effect.forkChild(sendOutbox(send, outbox))
      yield* TestClock.adjust(Limits.outboxSpreadMillis)
      const before = sent.length
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(sent.length - before, 10)
      yield* Fiber.interrupt(sending)
    })
  )

  const transient: Readonly<Record<string, SendBatch>> = {
    "a master that cannot take it now": () => Effect.fail(refused("unavailable", "the disk is full")),
    "a master that took only a part": () => Effect.succeed({ through: 0 }),
    "an answer that does not come": () => Effect.never
  }
  for (const [what, answer] of Object.entries(transient)) {
    it.effect(`is sent again, in the same order, after ${what}`, () =>
      Effect.gen(function* () {
        const { acknowledged, outbox } = outboxOf(2)
        const { send, sent } = answering(answer, answer, taken)
        const sending = yield* Effect.forkChild(sendOutbox(send, outbox))
        yield* TestClock.adjust("3 minutes")
        assert.deepStrictEqual(sent, [1, 1, 1, 2])
        assert.strictEqual(acknowledged(), 2)
        yield* Fiber.interrupt(sending)
      })
    )
  }

  it.effect("stays, and the connection ends, when the master refuses the agent for good", () =>
    Effect.gen(function* () {
      const { acknowledged, outbox } = outboxOf(1)
      const { send } = answering(() => Effect.fail(refused("unknown_agent", "this agent was removed")))
      const sending = yield* Effect.forkChild(Effect.flip(sendOutbox(send, outbox)))
      yield* TestClock.adjust(Limits.outboxSpreadMillis)
      const lost = yield* Fiber.join(sending)
      assert.isTrue(lost.permanent)
      assert.include(lost.detail, "NXMESH_AGENT_TOKEN")
      assert.strictEqual(acknowledged(), 0)
    })
  )

  it.effect("goes on where a master is further than the batch", () =>
    Effect.gen(function* () {
      const { acknowledged, outbox } = outboxOf(1)
      const { send } = answering(() => Effect.succeed({ through: 70 }))
      const sending = yield* Effect.forkChild(sendOutbox(send, outbox))
      yield* TestClock.adjust(Limits.outboxSpreadMillis)
      assert.strictEqual(acknowledged(), 70)
      yield* Fiber.interrupt(sending)
    })
  )
})
