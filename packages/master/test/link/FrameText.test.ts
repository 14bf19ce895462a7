import { assert, describe, it } from "@effect/vitest"
import { AgentFrame } from "@nxmesh/protocol/link/SignedCall"
import { Option, Schema } from "effect"
import { readBody, readFrame } from "../../src/link/FrameText.ts"

const bySchema = (text: string) =>
  Option.getOrUndefined(Schema.decodeUnknownOption(Schema.fromJsonString(AgentFrame))(text))

const request = { _tag: "Request", id: "1", tag: "ReportHealth", payload: "{}", headers: [["a", "b"]] }
const long = "x".repeat(65)

const frames: ReadonlyArray<unknown> = [
  request,
  { ...request, id: 7, headers: [], traceId: "t", spanId: "s", sampled: true },
  { ...request, more: 1, isNotification: true },
  { ...request, headers: Array.from({ length: 16 }, () => ["a", "b"]) },
  { ...request, id: long },
  { ...request, id: 1.5 },
  { ...request, id: null },
  { ...request, tag: long },
  { ...request, tag: 1 },
  { ...request, payload: {} },
  { ...request, headers: {} },
  { ...request, headers: [["a"]] },
  { ...request, headers: [["a", "b", "c"]] },
  { ...request, headers: [["a", 1]] },
  { ...request, headers: Array.from({ length: 17 }, () => ["a", "b"]) },
  { ...request, traceId: null },
  { ...request, traceId: long },
  { ...request, spanId: 1 },
  { ...request, sampled: "yes" },
  { _tag: "Ack", requestId: "1" },
  { _tag: "Ack", requestId: 2, more: true },
  { _tag: "Ack" },
  { _tag: "Interrupt", requestId: "1", interruptors: [1] },
  { _tag: "Interrupt", requestId: {} },
  { _tag: "Ping" },
  { _tag: "Eof", more: 1 },
  { _tag: "Other" },
  { _tag: "__proto__" },
  {},
  [],
  null,
  1,
  "Ping"
]

describe("a frame of an agent", () => {
  it("is read as its schema says", () => {
    for (const frame of frames) {
      const text = JSON.stringify(frame)
      assert.deepStrictEqual(readFrame(text), bySchema(text), text)
    }
    for (const text of ["", "{", "Ping"]) assert.isUndefined(readFrame(text))
  })

  it("has a body that is JSON, or none that counts", () => {
    assert.deepStrictEqual(readBody("null"), { body: null })
    assert.deepStrictEqual(readBody('{"a":1}'), { body: { a: 1 } })
    assert.isUndefined(readBody("{"))
  })
})
