import { afterEach, assert, describe, it } from "@effect/vitest"
import { Limits } from "@nxmesh/raft/Limits"
import type { Message } from "@nxmesh/raft/core/Message"
import { encode, messageCodec } from "@nxmesh/raft/transport/MessageFormat"
import { ManualEnvironment } from "./ManualEnvironment.ts"
import { introduce, Nodes, sayHello, type TestNode } from "./Nodes.ts"
import { connectRaw, frame, helloOf, RawServer, type RawSocket, welcomeOf } from "./RawSocket.ts"
import { heartbeat, until } from "./Recorder.ts"

const nodes = new Nodes()
const open = nodes.still
afterEach(() => nodes.close())

const { aliveMillis, connectMillis, silencesMax } = Limits.transport

const data = (bytes: number): Message => ({
  _tag: "AppendRequest",
  from: "a",
  to: "b",
  term: 1,
  previousIndex: 0,
  previousTerm: 0,
  commit: 0,
  entries: [{ kind: "Command", index: 1, term: 1, data: new Uint8Array(bytes) }]
})

/** A peer whose every byte the test decides. */
const withRawPeer = async (node: TestNode, id: string) => {
  const raw = nodes.add(await RawServer.open())
  introduce(node, [id, raw.address])
  const welcome = async (lane: "control" | "bulk", count = 1): Promise<RawSocket> => {
    await until(() => raw.lane(lane).length >= count)
    const connection = raw.lane(lane).at(-1)!
    connection.socket.write(welcomeOf(id))
    return connection
  }
  return { raw, welcome }
}

describe("a node that is given an address with a bad port", () => {
  it("says so, goes on, and reaches its other peers and the right address when it is told", async () => {
    const [a, b, c] = [await nodes.open("a"), await nodes.open("b"), await nodes.open("c")]
    introduce(a, ["b", { host: "127.0.0.1", port: 65_536 }], ["c", c.transport.address])
    await until(() => /127\.0\.0\.1:65536: this port is not one of/.test(a.told()))
    await until(() => {
      a.transport.send(heartbeat("a", "b", 1))
      a.transport.send(heartbeat("a", "c", 1))
      return a.recorder.lost.includes("b") && c.recorder.heard.length > 0
    })
    introduce(a, ["b", b.transport.address], ["c", c.transport.address])
    await until(() => {
      a.transport.send(heartbeat("a", "b", 2))
      return b.recorder.heard.length > 0
    })
  })
})

describe("a node refuses", () => {
  for (const [what, hello, told] of [
    ["a peer of another cluster", { cluster: "c2" }, /peer x belongs to cluster c2, node a to cluster c1/],
    ["a peer that looks for another node", { to: "z" }, /asks for node z, this is node a/],
    ["a peer of another version", { protocol: 99 }, /speaks version 99 of the protocol, node a version 1/],
    ["a peer with its own name", { from: "a" }, /two nodes run with one identity/],
    ["a client of another cluster", { cluster: "c2", role: "client" }, /client x belongs to cluster c2/]
  ] as const) {
    it(`${what}, and says so to both`, async () => {
      const a = await open("a")
      const raw = await sayHello(a, hello)
      assert(raw.helloAnswer._tag === "Refused")
      assert.match(raw.helloAnswer.message, told)
      await until(() => raw.isClosed)
      assert.match(a.told(), told)
    })
  }

  it("a node that answers in another one's place, or for another cluster, and says so", async () => {
    const [a, b, other] = [await open("a"), await open("b"), await open("b", { cluster: "c2" })]
    introduce(a, ["c", b.transport.address])
    await until(() => /asks for node c, this is node b/.test(a.told()))
    introduce(a, ["b", other.transport.address])
    await until(() => /belongs to cluster c1, node b to cluster c2/.test(a.told()))
    const raw = nodes.add(await RawServer.open())
    introduce(a, ["b", raw.address])
    await until(() => raw.lane("bulk").length > 0)
    raw.lane("bulk")[0]!.socket.write(welcomeOf("z"))
    await until(() => /node z answers at the address of b/.test(a.told()))
  })

  it("what is no hello, and what is too long for one", async () => {
    const a = await open("a")
    for (const bytes of [frame(Buffer.from("GET / HTTP/1.1")), Buffer.from("GET / HTTP/1.1\r\n\r\n")]) {
      const raw = connectRaw(a.transport.address.port)
      raw.socket.write(bytes)
      await until(() => raw.isClosed)
    }
    assert.match(a.told(), /127\.0\.0\.1.*no message/)
  })

  it("messages in the name of another node", async () => {
    const a = await open("a")
    for (const message of [heartbeat("y", "a", 1), heartbeat("x", "b", 1)]) {
      const raw = await sayHello(a, { from: "x" })
      raw.socket.write(frame(encode(messageCodec, message)))
      await until(() => raw.isClosed)
    }
    assert.deepStrictEqual(a.recorder.heard, [])
    assert.match(a.told(), /x sent a message from y to a/)
  })

  it("messages that are malformed or too long, and keeps none of them", async () => {
    const a = await open("a")
    const tooLong = new Uint8Array(4).fill(255)
    for (const bytes of [frame(Uint8Array.of(200, 1, 2)), tooLong]) {
      const raw = await sayHello(a, { from: "x" })
      raw.socket.write(bytes)
      await until(() => raw.isClosed)
    }
    assert.deepStrictEqual(a.recorder.heard, [])
  })

  it("to speak without TLS beyond loopback, unless it is told to", async () => {
    const opening = open("a", { listen: { host: "0.0.0.0", port: 0 } })
    const failure = await opening.then(
      () => assert.fail("it listens"),
      (cause: Error) => cause
    )
    assert.match(failure.message, /loopback only, not with 0\.0\.0\.0/)
    await open("a", { listen: { host: "0.0.0.0", port: 0 }, allowPlaintext: true })
    const environment = new ManualEnvironment()
    const b = await open("b", { environment })
    introduce(b, ["c", { host: "192.0.2.1", port: 1 }])
    environment.advance(1)
    await until(() => /not with 192\.0\.2\.1/.test(b.told()))
  })

  it("a port that is taken, with the system's reason", async () => {
    const a = await open("a")
    const failure = await open("b", { listen: a.transport.address }).then(
      () => assert.fail("it listens"),
      (cause: Error) => cause
    )
    assert.match(failure.message, /cannot listen on 127\.0\.0\.1:\d+: .*EADDRINUSE/)
  })
})

describe("strangers", () => {
  it("have to say who they are in time", async () => {
    const environment = new ManualEnvironment()
    const a = await open("a", { environment })
    const raw = connectRaw(a.transport.address.port)
    raw.socket.write(helloOf({ from: "x" }).subarray(0, 20))
    await new Promise((resolve) => raw.socket.once("connect", resolve))
    await until(() => {
      environment.advance(connectMillis / 10)
      return raw.isClosed
    })
    assert.match(a.told(), /did not say who it is within 2 s/)
  })

  it("give way to newer ones when there are too many: those who belong here speak at once", async () => {
    const a = await open("a")
    const silent = Array.from({ length: Limits.transport.strangersMax + 5 }, () => connectRaw(a.transport.address.port))
    await until(() => silent.filter(({ isClosed }) => isClosed).length >= 5)
    const raw = await sayHello(a, { from: "x" })
    assert.strictEqual(raw.helloAnswer._tag, "Welcome")
    for (const { socket } of silent) socket.destroy()
  })

  it("cannot fill the operator's log", async () => {
    const environment = new ManualEnvironment()
    const a = await open("a", { environment })
    for (let i = 0; i < 20; i++) await sayHello(a, { cluster: "c2" })
    assert.lengthOf(a.problems, 1)
    environment.advance(Limits.transport.reportMillis)
    await sayHello(a, { cluster: "c2" })
    await until(() => a.problems.length === 2)
    assert.match(a.told(), /and 19 more before/)
  })
})

describe("a peer", () => {
  it("that reads no data still gets heartbeats, costs a bounded memory, and is told about once", async () => {
    const a = await open("a")
    const { welcome } = await withRawPeer(a, "b")
    const [control, bulk] = [await welcome("control"), await welcome("bulk")]
    await until(() => {
      a.transport.send(heartbeat("a", "b", 1))
      a.transport.send(data(1))
      return control.frames.length > 1 && bulk.frames.length > 1
    })
    bulk.socket.pause()
    a.recorder.clear()
    const message = data(1_048_576)
    for (let megabytes = 0; megabytes < 400; megabytes++) a.transport.send(message)
    await until(() => a.recorder.lost.length > 0)
    for (let i = 0; i < 10; i++) a.transport.send(heartbeat("a", "b", 2))
    await until(() => control.heartbeats(2) === 10)
    assert.deepStrictEqual(a.recorder.lost, ["b"])
    // What was not dropped arrives when it reads again, whole.
    bulk.socket.resume()
    await until(() => bulk.frames.length > 1)
    await until(() => a.transport.waitingBytes("b") === 0)
    assert.isBelow(bulk.bytes, Limits.transport.bulkWaitingBytesMax + 16 * 1_048_576)
    a.transport.send(message)
    const before = bulk.frames.length
    await until(() => bulk.frames.length > before)
  })

  it("that vanished without a word is noticed, and connected to again", async () => {
    const environment = new ManualEnvironment()
    const a = await open("a", { environment })
    const { raw, welcome } = await withRawPeer(a, "b")
    const [control, bulk] = [await welcome("control"), await welcome("bulk")]
    await until(() => {
      a.transport.send(heartbeat("a", "b", 1))
      a.transport.send(data(1))
      return control.frames.length > 1 && bulk.frames.length > 1
    })
    a.recorder.clear()
    environment.advance(aliveMillis * (silencesMax + 1) + 10)
    await until(() => control.isClosed && bulk.isClosed)
    assert.match(a.told(), /nothing was heard for 4 s/)
    await until(() => a.recorder.lost.includes("b"))
    environment.advance(Limits.transport.reconnect.capMillis)
    await until(() => raw.lane("control").length === 2)
  })

  it("that has nothing to say is not taken for dead", async () => {
    const environment = new ManualEnvironment()
    const [a, b] = [await open("a", { environment }), await open("b", { environment })]
    introduce(a, ["b", b.transport.address])
    await until(() => {
      a.transport.send(heartbeat("a", "b", 1))
      return b.recorder.heard.length > 0
    })
    a.recorder.clear()
    for (let beat = 0; beat < 20; beat++) {
      environment.advance(aliveMillis)
      // The empty frames were sent before this, and arrive before its answer.
      await sayHello(b, { role: "client", from: `x${beat}` })
    }
    a.transport.send(heartbeat("a", "b", 2))
    await until(() => b.recorder.heard.some(({ term }) => term === 2))
    assert.deepStrictEqual(a.recorder.lost, [])
    assert.deepStrictEqual(a.problems, [])
  })

  it("that never answers the hello is tried again", async () => {
    const environment = new ManualEnvironment()
    const a = await open("a", { environment })
    const { raw } = await withRawPeer(a, "b")
    await until(() => raw.lane("bulk").length === 1)
    environment.advance(connectMillis + Limits.transport.reconnect.capMillis)
    await until(() => raw.lane("bulk").length === 2)
    assert.match(a.told(), /did not answer within 2 s/)
    assert.lengthOf(a.problems, 2, "once for each of the two connections")
  })

  it("that restarted is connected to as soon as it says hello, however long it was away", async () => {
    const environment = new ManualEnvironment()
    const a = await open("a", { environment })
    const gone = await open("b")
    const { address } = gone.transport
    introduce(a, ["b", address])
    await gone.transport.close()
    await until(() => a.problems.length > 0)
    const b = await open("b", { listen: address })
    introduce(b, ["a", a.transport.address])
    // The clock of `a` stands still: its own wait for the next attempt never ends.
    await until(() => {
      a.transport.send(heartbeat("a", "b", 7))
      return b.recorder.heard.length > 0
    })
  })

  it("that ends in the middle of a message has sent none", async () => {
    const a = await open("a")
    const raw = await sayHello(a, { from: "x" })
    const message = frame(encode(messageCodec, heartbeat("x", "a", 3)))
    raw.socket.write(message)
    raw.socket.end(message.subarray(0, message.length - 1))
    await until(() => raw.isClosed)
    assert.deepStrictEqual(a.recorder.heard, [heartbeat("x", "a", 3)])
  })

  it("that connects again has lost its last connection", async () => {
    const a = await open("a")
    const first = await sayHello(a, { from: "x" })
    const otherLane = await sayHello(a, { from: "x", lane: "control" })
    const second = await sayHello(a, { from: "x" })
    await until(() => first.isClosed)
    second.socket.write(frame(encode(messageCodec, heartbeat("x", "a", 3))))
    otherLane.socket.write(frame(encode(messageCodec, heartbeat("x", "a", 4))))
    await until(() => a.recorder.heard.length === 2)
  })
})

describe("messages", () => {
  it("of one turn leave in one write", async () => {
    const a = await open("a")
    const { welcome } = await withRawPeer(a, "b")
    const control = await welcome("control")
    await until(() => {
      a.transport.send(heartbeat("a", "b", 1))
      return control.frames.length > 1
    })
    let pieces = 0
    control.socket.on("data", () => pieces++)
    await until(() => control.messages.length > 0 && a.transport.waitingBytes("b") === 0)
    pieces = 0
    for (let i = 0; i < 50; i++) a.transport.send(heartbeat("a", "b", 2))
    await until(() => control.heartbeats(2) === 50)
    assert.strictEqual(pieces, 1)
  })
})

describe("closing", () => {
  it("ends every connection and every timer", async () => {
    const environment = new ManualEnvironment()
    const [a, b] = [await open("a", { environment }), await open("b")]
    introduce(a, ["b", b.transport.address], ["c", { host: "127.0.0.1", port: 1 }])
    introduce(b, ["a", a.transport.address])
    const raw = await sayHello(a, { role: "client" })
    await until(() => a.problems.length > 0)
    await a.transport.close()
    await until(() => raw.isClosed)
    a.transport.send(heartbeat("a", "b", 1))
    assert.strictEqual(environment.waiting, 0)
  })
})
