import { assert, describe, it } from "@effect/vitest"
import type { HostMessage, HostRequest } from "@nxmesh/raft/node/HostMessage"
import { packMessages, packRequests, unpackMessages, unpackRequests } from "@nxmesh/raft/node/thread/HostPacket"
import type { Packet } from "@nxmesh/raft/node/thread/HostPacket"
import { MessageChannel, receiveMessageOnPort } from "node:worker_threads"

/** As another thread gets it. */
const moved = <M>(packet: Packet<M>): Packet<M> => {
  const { port1, port2 } = new MessageChannel()
  port1.postMessage(packet, [packet.bytes.buffer])
  const { message } = receiveMessageOnPort(port2) as { readonly message: Packet<M> }
  port1.close()
  return message
}

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251)

const messages: ReadonlyArray<HostMessage> = [
  { kind: "propose", request: 1, data: bytes(256), timeoutMillis: 5_000 },
  { kind: "propose", request: 2 ** 50, data: bytes(0), timeoutMillis: 0.5 },
  { kind: "read", request: 3, timeoutMillis: 1_000 },
  { kind: "changeMembers", request: 4, voters: ["a", "b"], learners: [], expectedIndex: null, timeoutMillis: 1_000 },
  {
    kind: "applied",
    index: 2 ** 45,
    outcomes: [
      { call: 1, outcome: { _tag: "Applied", index: 7, result: bytes(20_000) } },
      { call: 2, outcome: { _tag: "SessionExpired", index: 8 } }
    ],
    rejected: [
      { request: 9, outcome: { _tag: "AnswerForgotten", index: 9 } },
      { request: 10, outcome: { _tag: "TooManyAnswers", index: 10 } }
    ]
  },
  { kind: "applied", index: 3, outcomes: [], rejected: [] },
  { kind: "answers", answers: [{ call: 5, index: 6, data: bytes(3) }] },
  { kind: "snapshotChunk", offset: 0, data: bytes(100_000) },
  { kind: "snapshotEnd" },
  { kind: "pong", number: 4 },
  { kind: "transferLeadership", to: "b" },
  { kind: "hostFailed", message: "no" }
]

const requests: ReadonlyArray<HostRequest> = [
  {
    kind: "apply",
    entries: [
      { kind: "Empty", index: 1, term: 2 },
      { kind: "Command", index: 2, term: 2, data: bytes(300) },
      {
        kind: "Configuration",
        index: 3,
        term: 2,
        configuration: { voters: ["a"], learners: ["b"], outgoing: [], learnersNext: [], autoLeave: true }
      }
    ],
    waiters: [
      { index: 2, to: "host", id: 17 },
      { index: 2, to: "call", id: 18 }
    ]
  },
  { kind: "apply", entries: [], waiters: [] },
  { kind: "failed", request: 1, failure: { _tag: "Unknown", reason: "TimedOut" } },
  { kind: "read", request: 2, index: 5 },
  { kind: "query", index: 5, questions: [{ call: 3, data: bytes(4) }] },
  { kind: "takeSnapshot" },
  { kind: "snapshotWanted", offset: 5, bytesMax: 10 },
  { kind: "snapshotData", data: bytes(70_000) },
  { kind: "ping", number: 1 }
]

describe("a packet between the threads of a node", () => {
  it("holds every message of the host, in order", () => {
    assert.deepStrictEqual(unpackMessages(moved(packMessages(messages))), messages)
  })

  it("holds every request of the Raft thread, in order", () => {
    assert.deepStrictEqual(unpackRequests(moved(packRequests(requests))), requests)
  })

  it("leaves nothing behind for the next one", () => {
    packMessages(messages)
    const read: HostMessage = { kind: "read", request: 1, timeoutMillis: 1 }
    assert.deepStrictEqual(unpackMessages(packMessages([read])), [read])
    assert.deepStrictEqual(unpackMessages(packMessages([])), [])
  })

  it("takes along nothing but the part of a snapshot that is sent", () => {
    const whole = bytes(1_000_000)
    const data = whole.subarray(500_000, 500_100)
    const { bytes: chunk, cloned } = packMessages([{ kind: "snapshotChunk", offset: 500_000, data }])
    assert.isBelow(chunk.buffer.byteLength, 200)
    assert.lengthOf(cloned, 0)
    assert.lengthOf(packRequests([{ kind: "snapshotData", data }]).cloned, 0)
  })

  it("has a buffer of its own, so that moving it moves nothing else", () => {
    const data = bytes(64)
    moved(packMessages([{ kind: "propose", request: 1, data, timeoutMillis: 1 }]))
    assert.lengthOf(data, 64)
  })
})
