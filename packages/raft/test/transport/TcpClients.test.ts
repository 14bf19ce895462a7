import { afterEach, assert, describe, it } from "@effect/vitest"
import { Limits } from "@nxmesh/raft/Limits"
import type { Answer } from "@nxmesh/raft/transport/Call"
import { callCodec, encode } from "@nxmesh/raft/transport/MessageFormat"
import { tcpConnector } from "@nxmesh/raft/transport/tcp/TcpConnector"
import { Nodes, sayHello } from "./Nodes.ts"
import { frame, type RawSocket } from "./RawSocket.ts"
import { until } from "./Recorder.ts"

const nodes = new Nodes()
const open = nodes.still
afterEach(() => nodes.close())

const query = (number: number): Uint8Array =>
  frame(encode(callCodec, { number, call: { _tag: "Query", data: new Uint8Array(8) } }))

describe("clients", () => {
  it("that ask faster than the node answers are not read any further", async () => {
    const a = await open("a")
    const replies: Array<(answer: Answer) => void> = []
    a.recorder.onCall = (_call, reply) => replies.push(reply)
    const raw = await sayHello(a, { role: "client" })
    const { connectionCallsMax } = Limits.transport
    const flood = Buffer.concat(Array.from({ length: connectionCallsMax * 4 }, (_, i) => query(i)))
    raw.socket.write(flood)
    await until(() => replies.length >= connectionCallsMax)
    // More is not taken, though the node went on to serve whoever came later.
    await sayHello(a, { role: "client", from: "later" })
    assert.strictEqual(replies.length, connectionCallsMax)
    let answered = 0
    await until(() => {
      for (const reply of replies.slice(answered)) reply({ _tag: "Changed", index: answered++ })
      return answered === connectionCallsMax * 4
    })
    await until(() => raw.frames.length === connectionCallsMax * 4 + 1)
  })

  it("that do not read their answers get no further", async () => {
    const a = await open("a")
    const result = new Uint8Array(65_536)
    a.recorder.onCall = (_call, reply) => reply({ _tag: "Applied", index: 1, result })
    const raw = await sayHello(a, { role: "client" })
    raw.socket.pause()
    const asked = 2_000
    raw.socket.write(Buffer.concat(Array.from({ length: asked }, (_, i) => query(i))))
    await until(() => a.recorder.calls.length > 100)
    let before = -1
    await until(() => {
      const isStill = before === a.recorder.calls.length
      before = a.recorder.calls.length
      return isStill
    })
    assert.isBelow(a.recorder.calls.length, asked)
    raw.socket.resume()
    await until(() => raw.frames.length === asked + 1)
  })

  it("together cannot have more calls open than the node allows", async () => {
    const a = await open("a")
    const replies: Array<(answer: Answer) => void> = []
    a.recorder.onCall = (_call, reply) => replies.push(reply)
    const { callsMax, connectionCallsMax } = Limits.transport
    const each = connectionCallsMax - 2_000
    const flood = Buffer.concat(Array.from({ length: each }, (_, i) => query(i)))
    const count = Math.ceil(callsMax / each) + 1
    const clients: Array<RawSocket> = []
    for (let i = 0; i < count; i++) {
      clients.push(await sayHello(a, { role: "client", from: `x${i}` }))
      clients.at(-1)!.socket.write(flood)
    }
    await until(() => replies.length >= callsMax)
    await sayHello(a, { role: "client", from: "later" })
    // Those that were not held yet notice at their next call.
    assert.isAtMost(replies.length, callsMax + count)
    let answered = 0
    await until(() => {
      for (const reply of replies.slice(answered)) reply({ _tag: "Changed", index: answered++ })
      return answered === count * each
    })
  })

  it("may be gone when they are answered", async () => {
    const a = await open("a")
    const replies: Array<(answer: Answer) => void> = []
    a.recorder.onCall = (_call, reply) => replies.push(reply)
    const raw = await sayHello(a, { role: "client" })
    raw.socket.write(query(1))
    await until(() => replies.length === 1)
    raw.socket.destroy()
    await until(() => raw.isClosed)
    replies[0]!({ _tag: "Changed", index: 1 })
    assert.throws(() => replies[0]!({ _tag: "Changed", index: 1 }), /a second time/)
    const other = await sayHello(a, { role: "client" })
    assert.strictEqual(other.helloAnswer._tag, "Welcome")
  })

  it("hear why they are refused", async () => {
    const a = await open("a")
    const connector = tcpConnector({ cluster: "c2", name: "x", tls: null, allowPlaintext: false })
    const failure = await new Promise<Error>((resolve) => {
      connector(a.transport.address, {
        ready: () => assert.fail("it belongs to another cluster"),
        answered: () => undefined,
        closed: resolve
      })
    })
    assert.match(failure.message, /client x belongs to cluster c2, node a to cluster c1/)
  })
})
