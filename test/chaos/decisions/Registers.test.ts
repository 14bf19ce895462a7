import { assert, describe, it } from "@effect/vitest"
import type { KeyValueInput, KeyValueOutput } from "@nxmesh/raft/testing/checker/KeyValue"
import { HistoryRecorder } from "../../support/History.ts"
import { endingOf, judgeRegisters } from "../Registers.ts"
import type { Told } from "../Requests.ts"

const get: KeyValueInput = { kind: "get", key: "k" }
const put = (value: string): KeyValueInput => ({ kind: "put", key: "k", value })
const cas: KeyValueInput = { kind: "cas", key: "k", expected: "a", value: "b" }
const told = (status: number, name?: string): Told => ({
  kind: "told",
  status,
  etag: null,
  body: name === undefined ? {} : { data: { name } }
})

describe("what an answer says of a register", () => {
  it("is the value, for a read that is answered; a register that is gone is empty", () => {
    assert.deepStrictEqual(endingOf(get, told(200, "a")), { kind: "answered", output: { kind: "get", value: "a" } })
    assert.deepStrictEqual(endingOf(get, told(404)), { kind: "answered", output: { kind: "get", value: null } })
    for (const nothing of [told(503), told(504), { kind: "lost" }, { kind: "unsent" }] as const) {
      assert.strictEqual(endingOf(get, nothing).kind, "refused")
    }
  })

  it("is unknown for a write without a clear answer, and nothing for one that was refused", () => {
    for (const input of [put("a"), cas]) {
      for (const unclear of [told(504), told(500), told(502), { kind: "lost" }] as const) {
        assert.strictEqual(endingOf(input, unclear).kind, "unknown")
      }
      for (const clear of [told(503), told(409), told(401), told(429), { kind: "unsent" }] as const) {
        assert.strictEqual(endingOf(input, clear).kind, "refused")
      }
    }
  })

  it("is that another value stood there, for a condition that does not hold", () => {
    assert.deepStrictEqual(endingOf(cas, told(412)), { kind: "answered", output: { kind: "cas", swapped: false } })
    assert.deepStrictEqual(endingOf(cas, told(200, "b")), { kind: "answered", output: { kind: "cas", swapped: true } })
    assert.strictEqual(endingOf(put("a"), told(412)).kind, "refused")
  })
})

describe("the judgement of registers", () => {
  const recorder = () => new HistoryRecorder<KeyValueInput, KeyValueOutput>()

  it("sees a lost write", () => {
    const clients = recorder()
    clients.begin("1", put("a"))(endingOf(put("a"), told(200)))
    clients.begin("1", put("b"))(endingOf(put("b"), told(200)))
    assert.strictEqual(judgeRegisters(clients).kind, "linearizable")
    clients.begin("2", get)(endingOf(get, told(200, "a")))
    assert.strictEqual(judgeRegisters(clients).kind, "violated")
  })

  it("lets a write whose answer was lost happen, or not, at any time after", () => {
    const clients = recorder()
    clients.begin("1", put("a"))(endingOf(put("a"), told(200)))
    clients.begin("1", put("b"))({ kind: "unknown" })
    for (const value of ["a", "a", "b"]) clients.begin("2", get)(endingOf(get, told(200, value)))
    assert.strictEqual(judgeRegisters(clients).kind, "linearizable")
    clients.begin("2", get)(endingOf(get, told(200, "a")))
    assert.strictEqual(judgeRegisters(clients).kind, "violated")
  })

  it("counts endings, and leaves out what was refused", () => {
    const clients = recorder()
    for (const ending of [{ kind: "unknown" }, { kind: "refused" }] as const) clients.begin("1", put("a"))(ending)
    assert.deepStrictEqual(clients.counts, { answered: 0, refused: 1, unknown: 1 })
    assert.strictEqual(clients.total, 2)
    assert.lengthOf(clients.history, 1)
  })
})
