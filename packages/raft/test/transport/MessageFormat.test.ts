import { assert, describe, it } from "@effect/vitest"
import type { Message } from "@nxmesh/raft/core/Message"
import type { Configuration, Snapshot } from "@nxmesh/raft/core/Types"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { ByteWriter } from "@nxmesh/raft/transport/binary/ByteWriter"
import type { Answer, Call } from "@nxmesh/raft/transport/Call"
import { FrameReader } from "@nxmesh/raft/transport/Framing"
import { MalformedMessage } from "@nxmesh/raft/transport/MalformedMessage"
import { MessageSchema } from "@nxmesh/raft/transport/MessageSchema"
import { answerCodec, callCodec, decode, encode, messageCodec } from "@nxmesh/raft/transport/MessageFormat"

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
  { _tag: "MembershipRequest", ...from },
  { _tag: "Removed", ...from, commit: 7 },
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

const calls: ReadonlyArray<Call> = [
  { _tag: "OpenSession" },
  { _tag: "Propose", session: 7, serial: 1, acknowledged: 1, data: bytes(1, 2) },
  { _tag: "Query", data: bytes() },
  { _tag: "ChangeMembers", voters: ["a", "bé"], learners: [], expectedIndex: null },
  { _tag: "ChangeMembers", voters: ["a"], learners: ["c"], expectedIndex: 12 },
  { _tag: "Describe" }
]

const answers: ReadonlyArray<Answer> = [
  { _tag: "Opened", session: 7 },
  { _tag: "Applied", index: 9, result: bytes(1) },
  { _tag: "Answered", index: 9, data: bytes() },
  { _tag: "Changed", index: 9 },
  { _tag: "Described", leader: null, configuration, configurationIndex: 3 },
  { _tag: "Failed", failure: { _tag: "Refused", reason: "LogFull", leader: "a" } },
  { _tag: "Failed", failure: { _tag: "Unknown", reason: "TimedOut" } }
]

const encodeMessage = (message: Message): Uint8Array => encode(messageCodec, message)

/** UTF-8 cannot say half of a surrogate pair: it becomes U+FFFD. */
const wellFormed = (value: unknown): unknown => {
  if (typeof value === "string") return value.toWellFormed()
  if (Array.isArray(value)) return value.map(wellFormed)
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, wellFormed(field)]))
}

const isMalformed = (encoded: Uint8Array): boolean => {
  try {
    decode(messageCodec, encoded)
    return false
  } catch (cause) {
    assert.instanceOf(cause, MalformedMessage)
    return true
  }
}

describe("a message", () => {
  for (const [i, message] of messages.entries()) {
    it(`comes back as it was sent: ${message._tag} (${i})`, () => {
      assert.deepStrictEqual(decode(messageCodec, encodeMessage(message)), message)
    })
  }

  it("that is a call or an answer comes back too", () => {
    for (const call of calls) {
      assert.deepStrictEqual(decode(callCodec, encode(callCodec, { number: 5, call })), { number: 5, call })
    }
    for (const answer of answers) {
      assert.deepStrictEqual(decode(answerCodec, encode(answerCodec, { number: 5, answer })), { number: 5, answer })
    }
  })

  it.prop("of any content comes back", [MessageSchema], ([message]) => {
    assert.deepStrictEqual(decode(messageCodec, encodeMessage(message)), wellFormed(message))
  })

  it("that is cut short, or goes on, is refused", () => {
    for (const message of messages) {
      const encoded = encodeMessage(message)
      for (let length = 0; length < encoded.length; length++) {
        assert.isTrue(isMalformed(encoded.subarray(0, length)), `${message._tag} at ${length}`)
      }
      assert.isTrue(isMalformed(Uint8Array.from([...encoded, 0])))
    }
  })

  it("with any byte changed never throws anything but MalformedMessage", () => {
    const random = new SeededRandom(7)
    for (const message of messages) {
      for (let i = 0; i < 200; i++) {
        const encoded = encodeMessage(message).slice()
        encoded[random.between(0, encoded.length - 1)] = random.between(0, 255)
        isMalformed(encoded)
      }
    }
  })

  it("that says what no node says is refused", () => {
    const heartbeat = { _tag: "Heartbeat", ...from, commit: 1, round: 1 } as const
    assert.isFalse(isMalformed(encodeMessage(heartbeat)))
    assert.isTrue(isMalformed(encodeMessage({ ...heartbeat, commit: -1 })))
    assert.isTrue(isMalformed(encodeMessage({ ...heartbeat, commit: 0.5 })))
    assert.isTrue(isMalformed(encodeMessage({ ...heartbeat, commit: 2 ** 53 })))
    assert.isTrue(isMalformed(encodeMessage({ ...heartbeat, from: "" })))
    assert.throws(() => encodeMessage({ ...heartbeat, _tag: "Nonsense" } as unknown as Message), /Nonsense/)
  })

  it("whose text is no UTF-8 is refused", () => {
    const encoded = encodeMessage({ _tag: "ReadRequest", ...from, context: "qq" }).slice()
    encoded.set([0xc3, 0x28], encoded.length - 2)
    assert.isTrue(isMalformed(encoded))
  })

  it("does not keep the network's buffer alive by what it carries", () => {
    const encoded = encodeMessage({ _tag: "ProposeRequest", ...from, context: "", data: [bytes(1, 2), bytes(3)] })
    const network = new Uint8Array(1_048_576)
    network.set(encoded, 1_000)
    const message = decode(messageCodec, network.subarray(1_000, 1_000 + encoded.length))
    assert(message._tag === "ProposeRequest")
    assert.deepStrictEqual(message.data, [bytes(1, 2), bytes(3)])
    for (const data of message.data) assert.isAtMost(data.buffer.byteLength, encoded.length)
  })
})

describe("frames", () => {
  const frames = (encoded: ReadonlyArray<Uint8Array>): Uint8Array => {
    const writer = new ByteWriter()
    for (const each of encoded) writer.frame(() => each.forEach((byte) => writer.uint8(byte)))
    return Buffer.concat(writer.take())
  }

  it("come together from any pieces", () => {
    const random = new SeededRandom(3)
    const stream = frames([...messages.map(encodeMessage), bytes()])
    for (let round = 0; round < 50; round++) {
      const reader = new FrameReader(10_000)
      const complete: Array<Uint8Array> = []
      for (let at = 0; at < stream.length;) {
        const length = random.between(1, round * 3 + 1)
        reader.push(stream.subarray(at, at + length), (frame) => complete.push(frame))
        at += length
      }
      assert.deepStrictEqual(
        complete.slice(0, -1).map((frame) => decode(messageCodec, frame)),
        [...messages]
      )
      assert.lengthOf(complete.at(-1) ?? [1], 0)
    }
  })

  it("with large data come out as with small data", () => {
    const data = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251)
    const writer = new ByteWriter()
    const chunk: Message = { _tag: "SnapshotChunk", ...from, snapshot, offset: 0, data }
    for (const message of [...messages, chunk, ...messages]) {
      writer.frame(() => messageCodec.write(message, writer))
    }
    const waiting = writer.bytes
    const stream = Buffer.concat(writer.take())
    assert.strictEqual(stream.length, waiting)
    const complete: Array<Message> = []
    new FrameReader(1_000_000).push(stream, (frame) => complete.push(decode(messageCodec, frame)))
    assert.deepStrictEqual(complete, [...messages, chunk, ...messages])
  })

  it("that are too long are refused before they are read", () => {
    assert.throws(() => new FrameReader(100).push(bytes(101, 0, 0, 0), () => undefined), /at most 100/)
    assert.throws(() => {
      const reader = new FrameReader(100)
      reader.push(bytes(101, 0), () => undefined)
      reader.push(bytes(0, 0), () => undefined)
    }, /at most 100/)
  })
})
