import { assert, describe, it } from "@effect/vitest"
import { Sessions } from "@nxmesh/raft/node/Sessions"
import type { SessionLimits } from "@nxmesh/raft/node/Sessions"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { randomEntries, runModel, runSessions } from "./SessionModel.ts"
import type { Entry, Told } from "./SessionModel.ts"

const limits: SessionLimits = { sessionsMax: 3, answersMax: 8, answersInAllMax: 16, answerBytesMax: 10 }
const open: Entry = { kind: "open" }
const command = (session: number, serial: number, acknowledged = 0): Entry => ({
  kind: "command",
  session,
  serial,
  acknowledged
})

/** What is told of each entry, the same whether they come one by one or all at once. */
const told = (entries: ReadonlyArray<Entry>, bounds = limits): ReadonlyArray<Told> => {
  const oneByOne = runSessions(
    entries,
    bounds,
    () => 1,
    () => true
  )
  const atOnce = runSessions(
    entries,
    bounds,
    () => entries.length,
    () => false
  )
  assert.deepStrictEqual(atOnce, oneByOne)
  return atOnce.told
}

describe("sessions", () => {
  it("execute a command once, and repeat its answer", () => {
    assert.deepStrictEqual(told([open, command(1, 1), command(1, 1), command(1, 2), command(1, 1)]), [
      "opened",
      { result: "at 2" },
      { result: "at 2" },
      { result: "at 4" },
      { result: "at 2" }
    ])
  })

  it("keep the serials of one from those of another", () => {
    assert.deepStrictEqual(told([open, open, command(1, 1), command(2, 1)]).slice(2), [
      { result: "at 3" },
      { result: "at 4" }
    ])
  })

  it("take commands out of order", () => {
    assert.deepStrictEqual(told([open, command(1, 3), command(1, 1), command(1, 2), command(1, 3)]).slice(1), [
      { result: "at 2" },
      { result: "at 3" },
      { result: "at 4" },
      { result: "at 2" }
    ])
  })

  it("forget acknowledged answers, and do not execute a late copy", () => {
    const entries = [open, command(1, 1), command(1, 2), command(1, 3, 3), command(1, 1), command(1, 2), command(1, 3)]
    assert.deepStrictEqual(told(entries).slice(3), [
      { result: "at 4" },
      "AnswerForgotten",
      "AnswerForgotten",
      { result: "at 4" }
    ])
  })

  it("do not take an acknowledgement back", () => {
    assert.deepStrictEqual(told([open, command(1, 3, 3), command(1, 4, 1), command(1, 2, 1)]).slice(1), [
      { result: "at 2" },
      { result: "at 3" },
      "AnswerForgotten"
    ])
  })

  it("execute nothing that is too far ahead of what is acknowledged, until that moves", () => {
    assert.deepStrictEqual(told([open, command(1, 8), command(1, 9), command(1, 9, 2)]).slice(1), [
      { result: "at 2" },
      "TooManyAnswers",
      { result: "at 4" }
    ])
  })

  it("execute a command whose answer is too large to keep, and then say so", () => {
    // The result of every fifth entry is longer than `answerBytesMax`.
    const entries = [open, open, open, command(1, 1), command(1, 2), command(1, 2)]
    assert.deepStrictEqual(told(entries).slice(4), [{ result: "at 5, and long" }, "AnswerForgotten"])
  })

  it("expire by last use, which a repeated command is too", () => {
    const entries = [open, open, open, command(1, 1), command(2, 1), command(1, 1), open, command(3, 1), command(1, 2)]
    assert.deepStrictEqual(told(entries).slice(6), ["opened", "SessionExpired", { result: "at 9" }])
  })

  it("expire when all of them together hold too many answers, never the one that is used", () => {
    const fill = (session: number) => Array.from({ length: 8 }, (_, i) => command(session, i + 1))
    const entries = [open, open, open, ...fill(1), ...fill(2), command(3, 1), command(1, 1), command(2, 1)]
    assert.deepStrictEqual(told(entries).slice(-3), [
      { result: "at 20, and long" },
      "SessionExpired",
      { result: "at 12" }
    ])
  })

  it("report no change of a session that came and went within one batch", () => {
    const sessions = new Sessions([], { ...limits, sessionsMax: 1 })
    sessions.open(1)
    sessions.decide(2, { session: 1, serial: 1, acknowledged: 0 })
    sessions.open(3)
    assert.deepStrictEqual(sessions.settle([Uint8Array.of(1)]), {
      expired: [],
      used: [{ session: 3, lastUsed: 3, acknowledged: 1 }],
      forgotten: [],
      answered: []
    })
  })

  it("keep a copy of an answer, not the buffer it came in", () => {
    const sessions = new Sessions([])
    const result = new Uint8Array(1_000).subarray(10, 12)
    sessions.open(1)
    sessions.decide(2, { session: 1, serial: 1, acknowledged: 0 })
    const kept = sessions.settle([result]).answered[0]?.result
    assert.strictEqual(kept?.buffer.byteLength, 2)
  })

  it("jump ahead by any number of serials at once", () => {
    assert.deepStrictEqual(told([open, command(1, 1), command(1, 2 ** 52, 2 ** 52), command(1, 1)]).slice(2), [
      { result: "at 3" },
      "AnswerForgotten"
    ])
  })

  it("do as the model does, in whatever batches and with whatever restarts", () => {
    const seen = new Set<unknown>()
    for (let seed = 1; seed <= 300; seed++) {
      const random = new SeededRandom(seed)
      const entries = randomEntries(random, 200)
      const expected = runModel(entries, limits)
      const batches = [() => 1, () => random.between(1, 20), () => random.between(1, 200)]
      for (const batchSize of batches) {
        const run = runSessions(entries, limits, batchSize, () => random.chance(20))
        assert.deepStrictEqual(run, expected, `seed ${seed}`)
      }
      for (const one of expected.told) seen.add(typeof one === "string" ? one : "result")
    }
    assert.strictEqual(seen.size, 5, "some answer never occurred")
  })
})
