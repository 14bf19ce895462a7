import { afterEach, assert, describe, it } from "@effect/vitest"
import type { Message } from "@nxmesh/raft/core/Message"
import type { Answer, Call } from "@nxmesh/raft/transport/Call"
import type { Connector } from "@nxmesh/raft/transport/Caller"
import { MemoryNetwork } from "@nxmesh/raft/transport/MemoryTransport"
import type { Address, Transport, TransportListener } from "@nxmesh/raft/transport/Transport"
import { tcpConnector } from "@nxmesh/raft/transport/tcp/TcpConnector"
import { TcpTransport } from "@nxmesh/raft/transport/tcp/TcpTransport"
import { heartbeat, Recorder, until } from "./Recorder.ts"

interface Subject {
  readonly open: (id: string, listener: TransportListener) => Promise<Transport & { readonly address: Address }>
  readonly connector: Connector
}

const memory = (): Subject => {
  const network = new MemoryNetwork()
  let port = 0
  return {
    open: (id, listener) => Promise.resolve(network.open(id, { host: "memory", port: ++port }, listener)),
    connector: network.connector
  }
}

const tcp = (): Subject => ({
  open: (id, listener) =>
    TcpTransport.open(
      {
        id,
        cluster: "c1",
        listen: { host: "127.0.0.1", port: 0 },
        tls: null,
        allowPlaintext: false,
        problem: () => undefined
      },
      listener
    ),
  connector: tcpConnector({ cluster: "c1", name: "test", tls: null, allowPlaintext: false })
})

for (const [name, make] of [
  ["in memory", memory],
  ["over TCP", tcp]
] as const) {
  describe(`a transport ${name}`, () => {
    const opened: Array<Transport> = []
    afterEach(async () => {
      for (const transport of opened.splice(0)) await transport.close()
    })

    const open = async (subject: Subject, id: string) => {
      const recorder = new Recorder()
      const transport = await subject.open(id, recorder)
      opened.push(transport)
      return { id, recorder, transport }
    }

    /** Nodes that know each other; everything that can be sent arrives. */
    const openAll = async (subject: Subject, ...ids: ReadonlyArray<string>) => {
      const nodes = await Promise.all(ids.map((id) => open(subject, id)))
      const peers = new Map(nodes.map(({ id, transport }) => [id, transport.address]))
      for (const { transport } of nodes) transport.setPeers(peers)
      for (const from of nodes) {
        for (const to of nodes) {
          if (from === to) continue
          await until(() => {
            from.transport.send(heartbeat(from.id, to.id, 0))
            from.transport.send({
              ...heartbeat(from.id, to.id, 0),
              _tag: "AppendRequest",
              previousIndex: 0,
              previousTerm: 0,
              entries: []
            })
            const tags = new Set(to.recorder.heard.filter((each) => each.from === from.id).map(({ _tag }) => _tag))
            return tags.size === 2
          })
        }
      }
      for (const { recorder } of nodes) recorder.clear()
      return nodes
    }

    it("delivers messages in their order", async () => {
      const [a, b] = await openAll(make(), "a", "b")
      const sent = Array.from({ length: 1_000 }, (_, i) => heartbeat("a", "b", i + 1))
      for (const message of sent) a!.transport.send(message)
      await until(() => b!.recorder.heard.length >= 1_000)
      assert.deepStrictEqual(
        b!.recorder.heard.filter((message) => message.term > 0),
        sent
      )
    })

    it("delivers data of any size", async () => {
      const [a, b] = await openAll(make(), "a", "b")
      const data = [0, 1, 8_192, 8_193, 65_536, 3_000_000].map((size) => new Uint8Array(size).fill(size % 251))
      const sent: Message = { _tag: "ProposeRequest", from: "a", to: "b", term: 1, context: "c", data }
      a!.transport.send(sent)
      await until(() => b!.recorder.heard.some(({ _tag }) => _tag === "ProposeRequest"))
      assert.deepStrictEqual(
        b!.recorder.heard.find(({ _tag }) => _tag === "ProposeRequest"),
        sent
      )
    })

    it("tells once that a peer cannot be reached, and delivers when it is there", async () => {
      const subject = make()
      const a = await open(subject, "a")
      for (let i = 0; i < 10; i++) a.transport.send(heartbeat("a", "b", i))
      await until(() => a.recorder.lost.length > 0)
      assert.deepStrictEqual(a.recorder.lost, ["b"])
      const b = await open(subject, "b")
      a.transport.setPeers(new Map([["b", b.transport.address]]))
      await until(() => {
        a.transport.send(heartbeat("a", "b", 1))
        return b.recorder.heard.length > 0
      })
    })

    it("tells that a peer went away", async () => {
      const [a, b] = await openAll(make(), "a", "b")
      await b!.transport.close()
      await until(() => {
        a!.transport.send(heartbeat("a", "b", 1))
        return a!.recorder.lost.includes("b")
      })
    })

    it("does not speak with peers that were taken out", async () => {
      const [a, b] = await openAll(make(), "a", "b")
      a!.transport.setPeers(new Map())
      a!.transport.send(heartbeat("a", "b", 1))
      await until(() => a!.recorder.lost.includes("b"))
      assert.isFalse(b!.recorder.heard.some(({ term }) => term === 1))
    })

    it("answers the calls of a client in any order", async () => {
      const subject = make()
      const node = await open(subject, "a")
      const replies: Array<(answer: Answer) => void> = []
      node.recorder.onCall = (_call, reply) => replies.push(reply)
      const answers: Array<readonly [number, Answer]> = []
      let ready: string | null = null
      const caller = subject.connector(node.transport.address, {
        ready: (id) => {
          ready = id
        },
        answered: (number, answer) => answers.push([number, answer]),
        closed: (failure) => assert.fail(failure.message)
      })
      await until(() => ready === "a")
      const call = (serial: number): Call => ({
        _tag: "Propose",
        session: 1,
        serial,
        acknowledged: 1,
        data: Uint8Array.of(serial)
      })
      for (const serial of [1, 2, 3]) caller.call(serial, call(serial))
      await until(() => replies.length === 3)
      assert.deepStrictEqual(node.recorder.calls, [1, 2, 3].map(call))
      for (const [i, reply] of [...replies.entries()].toReversed()) reply({ _tag: "Changed", index: i })
      await until(() => answers.length === 3)
      assert.deepStrictEqual(
        answers,
        [2, 1, 0].map((index) => [index + 1, { _tag: "Changed", index }] as const)
      )
      caller.close()
    })

    it("tells a client that nobody is there", async () => {
      const subject = make()
      const node = await open(subject, "a")
      await node.transport.close()
      let failure: Error | null = null
      subject.connector(node.transport.address, {
        ready: () => assert.fail("nobody is there"),
        answered: () => assert.fail("nobody is there"),
        closed: (cause) => {
          failure = cause
        }
      })
      await until(() => failure !== null)
    })
  })
}

describe("a network in memory", () => {
  it("loses what is sent over a link that is cut, until it is healed", async () => {
    const network = new MemoryNetwork()
    const [a, b] = ["a", "b"].map((id, port) => {
      const recorder = new Recorder()
      return { id, recorder, transport: network.open(id, { host: "memory", port }, recorder) }
    })
    for (const { transport } of [a!, b!]) {
      transport.setPeers(new Map([a!, b!].map((node) => [node.id, node.transport.address])))
    }
    network.sever("a", "b")
    a!.transport.send(heartbeat("a", "b", 1))
    b!.transport.send(heartbeat("b", "a", 2))
    await until(() => a!.recorder.heard.length === 1 && a!.recorder.lost.length === 1)
    network.heal()
    a!.transport.send(heartbeat("a", "b", 3))
    await until(() => b!.recorder.heard.length > 0)
    assert.deepStrictEqual(b!.recorder.heard, [heartbeat("a", "b", 3)])
  })
})
