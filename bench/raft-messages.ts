/**
 * Microseconds to write and to read the messages that a cluster exchanges most, in this repository's binary form beside
 * Effect's SchemaBinary and JSON; then calls per second from 1,000 callers through one client to a node that answers at
 * once, over loopback, both in this process: what the transport and the client leave for consensus.
 */
import { Schema } from "effect"
import { SchemaBinary } from "effect/encoding"
import type { Entry } from "../packages/raft/src/core/Types.ts"
import type { Message } from "../packages/raft/src/core/Message.ts"
import type { BinaryCodec } from "../packages/raft/src/transport/binary/BinaryCodec.ts"
import { ByteWriter } from "../packages/raft/src/transport/binary/ByteWriter.ts"
import { answerCodec, callCodec, decode, encode, messageCodec } from "../packages/raft/src/transport/MessageFormat.ts"
import { MessageSchema } from "../packages/raft/src/transport/MessageSchema.ts"
import { RaftClient } from "../packages/raft/src/client/RaftClient.ts"
import type { Answer, Call } from "../packages/raft/src/transport/Call.ts"
import { tcpConnector } from "../packages/raft/src/transport/tcp/TcpConnector.ts"
import { TcpTransport } from "../packages/raft/src/transport/tcp/TcpTransport.ts"
import { table } from "./Statistics.ts"

const envelope = { from: "n-5f3a9c17", to: "n-0b77e2d4", term: 12 }
const entries = Array.from({ length: 64 }, (_, i): Entry => ({
  kind: "Command",
  index: 1_000_000 + i,
  term: 12,
  data: new Uint8Array(256).fill(i)
}))
const append = {
  _tag: "AppendRequest",
  ...envelope,
  previousIndex: 999_999,
  previousTerm: 12,
  commit: 999_990
} as const
const messages: ReadonlyArray<readonly [string, Message]> = [
  ["Heartbeat", { _tag: "Heartbeat", ...envelope, commit: 1_000_000, round: 5_000 }],
  ["HeartbeatResponse", { _tag: "HeartbeatResponse", ...envelope, round: 5_000 }],
  ["AppendAccepted", { _tag: "AppendAccepted", ...envelope, index: 1_000_000 }],
  ["AppendRequest, 1 entry of 256 bytes", { ...append, entries: entries.slice(0, 1) }],
  ["AppendRequest, 64 entries of 256 bytes", { ...append, entries }]
]
const calls = [
  {
    number: 7,
    call: { _tag: "Propose", session: 77, serial: 12, acknowledged: 3, data: new Uint8Array(256) }
  } as const,
  { number: 7, call: { _tag: "Query", data: new Uint8Array(24) } } as const
]
const answers = [
  { number: 7, answer: { _tag: "Applied", index: 1_000_000, result: new Uint8Array(8) } } as const,
  { number: 7, answer: { _tag: "Answered", index: 1_000_000, data: new Uint8Array(256) } } as const
]

const cpuMicros = (): number => {
  const { system, user } = process.cpuUsage()
  return system + user
}

/** Of CPU, so that other work on the machine counts less; the median of five rounds. */
const micros = (run: () => void): string => {
  const times = Array.from({ length: 6 }, () => {
    const start = cpuMicros()
    let runs = 0
    for (; cpuMicros() - start < 60_000; runs += 100) for (let i = 0; i < 100; i++) run()
    return (cpuMicros() - start) / runs
  })
  return (times.slice(1).sort((a, b) => a - b)[2] ?? Number.NaN).toFixed(2)
}

const written = (codec: BinaryCodec<any>, value: unknown): string => {
  const writer = new ByteWriter()
  return micros(() => {
    writer.frame(() => codec.write(value, writer))
    if (writer.bytes > 60_000) writer.take()
  })
}

const read = (codec: BinaryCodec<any>, value: unknown): string => {
  // As it comes: part of a larger buffer of the network.
  const bytes = new Uint8Array(65_536)
  const encoded = encode(codec, value)
  bytes.set(encoded, 100)
  return micros(() => decode(codec, bytes.subarray(100, 100 + encoded.length)))
}

const effectCodec = SchemaBinary.toCodec(MessageSchema, { fingerprint: true })
const encodeEffect = Schema.encodeUnknownSync(effectCodec)
const decodeEffect = Schema.decodeUnknownSync(effectCodec)

const rows = [["µs of CPU", "bytes", "write", "read", "SchemaBinary write", "read", "JSON.stringify", "JSON.parse"]]
for (const [name, message] of messages) {
  const bytes = encodeEffect(message).slice()
  const json = JSON.stringify(message)
  rows.push([
    name,
    `${encode(messageCodec, message).length}`,
    written(messageCodec, message),
    read(messageCodec, message),
    micros(() => encodeEffect(message)),
    micros(() => decodeEffect(bytes)),
    name.includes("entr") ? "" : micros(() => JSON.stringify(message)),
    name.includes("entr") ? "" : micros(() => JSON.parse(json))
  ])
}
for (const one of calls) {
  rows.push([
    one.call._tag,
    `${encode(callCodec, one).length}`,
    written(callCodec, one),
    read(callCodec, one),
    "",
    "",
    "",
    ""
  ])
}
for (const one of answers) {
  rows.push([
    one.answer._tag,
    `${encode(answerCodec, one).length}`,
    written(answerCodec, one),
    read(answerCodec, one),
    "",
    "",
    "",
    ""
  ])
}
console.log(table(rows))

const configuration = { voters: ["a"], learners: [], outgoing: [], learnersNext: [], autoLeave: false }
const answerOf = (call: Call): Answer => {
  if (call._tag === "OpenSession") return { _tag: "Opened", session: 1 }
  if (call._tag === "Describe") return { _tag: "Described", leader: "a", configuration, configurationIndex: 1 }
  return { _tag: "Applied", index: 1, result: new Uint8Array(8) }
}
const network = { cluster: "bench", tls: null, allowPlaintext: false }
const node = await TcpTransport.open(
  { ...network, id: "a", listen: { host: "127.0.0.1", port: 0 }, problem: (problem) => console.error(problem.message) },
  { received: () => undefined, unreachable: () => undefined, called: (call, reply) => reply(answerOf(call)) }
)
const client = new RaftClient({
  addresses: [node.address],
  connector: tcpConnector({ ...network, name: "bench" }),
  timeoutMillis: 10_000
})
const data = new Uint8Array(256)
const callers = 1_000
const callMillis = 3_000
let answered = 0
let waiting = 0
const start = performance.now()
const startMicros = cpuMicros()
await new Promise<void>((resolve) => {
  const propose = (): void => {
    waiting++
    client.propose(data, (outcome) => {
      if (outcome._tag !== "Done") throw new Error(outcome.reason)
      answered++
      waiting--
      if (performance.now() - start < callMillis) propose()
      else if (waiting === 0) resolve()
    })
  }
  for (let i = 0; i < callers; i++) propose()
})
const usedMicros = cpuMicros() - startMicros
const perSecond = Math.round((answered / (performance.now() - start)) * 1_000)
console.log(`${perSecond} calls/s; ${(usedMicros / answered).toFixed(1)} µs of CPU each, client and node together`)
client.close()
await node.close()
