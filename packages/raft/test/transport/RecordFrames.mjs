/**
 * Made frames-1.json.gz: what nodes of protocol version 1 say to each other, as bytes (commit 8f9fd62). Run in a checkout of
 * that commit:
 *
 *   node packages/raft/test/transport/RecordFrames.mjs frames-1.json.gz
 */
import { writeFile } from "node:fs/promises"
import { argv } from "node:process"
import { gzipSync } from "node:zlib"
import { encodeEnvelope } from "../../src/node/Envelope.ts"
import { encode, messageCodec } from "../../src/transport/MessageFormat.ts"
import { encodeHello } from "../../src/transport/tcp/Hello.ts"

const configuration = { voters: ["a", "b"], learners: ["c"], outgoing: ["a"], learnersNext: [], autoLeave: true }
const snapshot = { metadata: { index: 9, term: 2, configuration }, bytes: 100, checksum: 0xffff_ffff }
const from = { from: "a", to: "b", term: 2 ** 45 }
const bytes = (...values) => Uint8Array.from(values)
const command = {
  kind: "Command",
  session: 7,
  serial: 3,
  acknowledged: 2,
  millis: 1_700_000_000_000,
  data: bytes(123, 125)
}

const messages = [
  { _tag: "PreVoteRequest", ...from, lastIndex: 1, lastTerm: 2 },
  { _tag: "PreVoteResponse", ...from, granted: true },
  { _tag: "VoteRequest", ...from, lastIndex: 1, lastTerm: 2, transfer: false },
  { _tag: "VoteResponse", ...from, granted: false },
  {
    _tag: "AppendRequest",
    ...from,
    previousIndex: 4,
    previousTerm: 1,
    commit: 3,
    entries: [
      { kind: "Empty", index: 5, term: 2 },
      { kind: "Command", index: 6, term: 2, data: bytes(...encodeEnvelope(command)) },
      { kind: "Command", index: 7, term: 2, data: bytes(...encodeEnvelope({ kind: "OpenSession", nonce: "a-1" })) },
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
  { _tag: "ProposeResponse", ...from, result: { _tag: "Refused", context: "a-1", reason: "NotLeader", leader: null } },
  { _tag: "ReadRequest", ...from, context: "a-2" },
  { _tag: "ReadResponse", ...from, context: "a-2", index: null }
]

const hellos = [
  { protocol: 1, cluster: "c1", from: "a", to: "b", role: "peer", lane: "control" },
  { _tag: "Welcome", protocol: 1, cluster: "c1", from: "b" },
  { _tag: "Refused", reason: "OtherCluster", message: "peer a belongs to cluster c2" }
]

const hex = (data) => Buffer.from(data).toString("hex")
const recorded = {
  messages: messages.map((message) => ({ message, hex: hex(encode(messageCodec, message)) })),
  hellos: hellos.map((hello) => ({ hello, hex: hex(encodeHello(hello)) })),
  envelopes: [command, { kind: "OpenSession", nonce: "a-1" }].map((envelope) => ({
    envelope,
    hex: hex(encodeEnvelope(envelope))
  }))
}
const plain = (_key, value) => (value instanceof Uint8Array ? { hex: hex(value) } : value)
await writeFile(argv[2], gzipSync(JSON.stringify(recorded, plain), { level: 9 }))
