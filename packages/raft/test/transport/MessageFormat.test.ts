import { assert, describe, it } from "@effect/vitest"
import type { Message } from "@nxmesh/raft/core/Message"
import type { Configuration, Snapshot } from "@nxmesh/raft/core/Types"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { FrameReader, frameHead } from "@nxmesh/raft/transport/Framing"
import { decodeMessage, encodeMessage, MalformedMessage } from "@nxmesh/raft/transport/MessageFormat"

const configuration: Configuration = {
  voters: ["a", "b"],
  learners: ["c"],
  outgoing: ["a"],
  learnersNext: [],
  autoLeave: true
}
const snapshot: Snapshot = { metadata: { index: 9, term: 2, configuration }, bytes: 100, checksum: 0xffff_ffff }
const from = { from: "a", to: "b", term: 2 ** 45 }
const bytes = (...values: ReadonlyArray<number>): Uint8Array => Uint8Array.from(values)

const messages: ReadonlyArray<Message> = [
  { _tag: "PreVoteRequest", ...from, lastIndex: 1, lastTerm: 2 },
  { _tag: "PreVoteResponse", ...from, granted: true },
  { _tag: "VoteRequest", ...from, lastIndex: 1, lastTerm: 2, transfer: false },
  { _tag: "VoteResponse", ...from, granted: false },
  { _tag: "AppendRequest", ...from, previousIndex: 0, previousTerm: 0, commit: 0, entries: [] },
  {
    _tag: "AppendRequest",
    ...from,
    previousIndex: 4,
    previousTerm: 1,
    commit: 3,
    entries: [
      { kind: "Empty", index: 5, term: 2 },
      { kind: "Command", index: 6, term: 2, data: bytes(1, 2, 3) },
      { kind: "Command", index: 7, term: 2, data: bytes() },
      { kind: "Configuration", index: 8, term: 2, configuration }
    ]
  },
  { _tag: "AppendAccepted", ...from, index: 8 },
  { _tag: "AppendRejected", ...from, index: 8, hintIndex: 3, hintTerm: 1 },
  { _tag: "Heartbeat", ...from, commit: 8, round: 17 },
  { _tag: "HeartbeatResponse", ...from, round: 17 },
  { _tag: "StaleTerm", ...from },
  { _tag: "SnapshotChunk", ...from, snapshot, offset: 97, data: bytes(7, 8, 9) },
  { _tag: "SnapshotResponse", ...from, id: "2-9-100-5", offset: 100, failed: false },
  { _tag: "TimeoutNow", ...from },
  { _tag: "ProposeRequest", ...from, context: "a-1", data: [bytes(1), bytes(), bytes(2, 3)] },
  { _tag: "ProposeResponse", ...from, result: { _tag: "Accepted", context: "a-1", term: 2, first: 5, last: 7 } },
  {
    _tag: "ProposeResponse",
    ...from,
    result: { _tag: "Refused", context: "a-1", reason: "NotLeader", leader: null }
  },
  { _tag: "ReadRequest", ...from, context: "a-2" },
  { _tag: "ReadResponse", ...from, context: "a-2", index: null },
  { _tag: "ReadResponse", ...from, context: "a-2", index: 7 },
  { _tag: "TransferRequest", ...from, target: "c" }
]

const isMalformed = (encoded: Uint8Array): boolean => {
  try {
    decodeMessage(encoded)
    return false
  } catch (cause) {
    assert.instanceOf(cause, MalformedMessage)
    return true
  }
}

describe("a message", () => {
  for (const [i, message] of messages.entries()) {
    it(`comes back as it was sent: ${message._tag} (${i})`, () => {
      assert.deepStrictEqual(decodeMessage(encodeMessage(message)), message)
    })
  }

  it("that is cut short is refused, or is a shorter list", () => {
    for (const message of messages) {
      const encoded = encodeMessage(message)
      for (let length = 0; length < encoded.length; length++) {
        if (isMalformed(encoded.subarray(0, length))) continue
        assert.include(["AppendRequest", "SnapshotChunk", "ProposeRequest"], message._tag)
      }
    }
  })

  it("with any byte changed never throws anything but MalformedMessage", () => {
    const random = new SeededRandom(7)
    for (const message of messages) {
      for (let i = 0; i < 200; i++) {
        const encoded = encodeMessage(message)
        encoded[random.between(0, encoded.length - 1)] = random.between(0, 255)
        isMalformed(encoded)
      }
    }
  })

  it("that says what no node says is refused", () => {
    const encode = (head: object): Uint8Array => encodeMessage(head as Message)
    assert.isTrue(isMalformed(encode({ _tag: "Heartbeat", ...from, commit: -1, round: 1 })))
    assert.isTrue(isMalformed(encode({ _tag: "Heartbeat", ...from, commit: 0.5, round: 1 })))
    assert.isTrue(isMalformed(encode({ _tag: "Heartbeat", ...from, from: "", commit: 1, round: 1 })))
    assert.isTrue(isMalformed(encode({ _tag: "Nonsense", ...from })))
    assert.isTrue(isMalformed(encode({ ...from })))
  })
})

describe("frames", () => {
  it("come together from any pieces", () => {
    const random = new SeededRandom(3)
    const parts = messages.flatMap((message) => {
      const encoded = encodeMessage(message)
      return [frameHead(encoded.length), encoded]
    })
    const stream = Uint8Array.from([...parts.flatMap((part) => [...part]), ...frameHead(0)])
    for (let round = 0; round < 50; round++) {
      const reader = new FrameReader()
      const frames: Array<Uint8Array> = []
      for (let at = 0; at < stream.length;) {
        const length = random.between(1, round * 3 + 1)
        frames.push(...reader.push(stream.subarray(at, at + length)))
        at += length
      }
      assert.deepStrictEqual(frames.slice(0, -1).map(decodeMessage), messages)
      assert.lengthOf(frames.at(-1) ?? [1], 0)
    }
  })

  it("that are too long are refused before they are read", () => {
    const reader = new FrameReader(100)
    assert.lengthOf(reader.push(frameHead(100)), 0)
    assert.throws(() => new FrameReader(100).push(frameHead(101)), /at most 100/)
  })
})
