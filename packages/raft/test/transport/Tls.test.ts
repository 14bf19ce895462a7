import { connect, type ConnectionOptions, type TLSSocket } from "node:tls"
import { afterEach, assert, beforeAll, describe, it } from "@effect/vitest"
import type { Address } from "@nxmesh/raft/transport/Transport"
import { tcpConnector } from "@nxmesh/raft/transport/tcp/TcpConnector"
import type { TlsIdentity } from "@nxmesh/raft/transport/tcp/Tls"
import { Authority } from "./Certificates.ts"
import { ManualEnvironment } from "./ManualEnvironment.ts"
import { introduce, Nodes, type TestNode } from "./Nodes.ts"
import { connectRaw, helloOf, RawSocket } from "./RawSocket.ts"
import { heartbeat, until } from "./Recorder.ts"

const nodes = new Nodes()
afterEach(() => nodes.close())

let authority: Authority
let other: Authority
const identities = new Map<string, TlsIdentity>()
const identity = (uri: string): TlsIdentity => identities.get(uri)!

beforeAll(async () => {
  authority = await Authority.make("one")
  other = await Authority.make("two")
  for (const uri of ["raft:node:a", "raft:node:b", "raft:client:x", "raft:node:b%2Fc"]) {
    identities.set(uri, await authority.issue(uri))
  }
})

const open = (id: string, uri = `raft:node:${id}`): Promise<TestNode> => nodes.open(id, { tls: identity(uri) })

const meet = (a: TestNode, b: TestNode): void => {
  introduce(a, [b.id, b.transport.address])
  introduce(b, [a.id, a.transport.address])
}

const speaks = async (from: TestNode, to: TestNode, term: number): Promise<void> =>
  until(() => {
    from.transport.send(heartbeat(from.id, to.id, term))
    return to.recorder.heard.some((message) => message.term === term)
  })

const rawTls = ({ port }: Address, options: ConnectionOptions): RawSocket =>
  new RawSocket(connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options }))

const asOptions = ({ certificatePem, privateKeyPem }: TlsIdentity): ConnectionOptions => ({
  cert: certificatePem,
  key: privateKeyPem
})

/** Why the node does not take a client of this name with these certificates; `null`: it does. */
const refusal = (address: Address, name: string, tls: TlsIdentity | null): Promise<Error | null> =>
  new Promise((resolve) => {
    const caller = tcpConnector({ cluster: "c1", name, tls, allowPlaintext: false })(address, {
      ready: () => {
        caller.close()
        resolve(null)
      },
      answered: () => undefined,
      closed: resolve
    })
  })

describe("with mutual TLS", () => {
  it("nodes and clients whose certificates name them speak with each other", async () => {
    const [a, b] = [await open("a"), await open("b")]
    meet(a, b)
    await speaks(a, b, 1)
    await speaks(b, a, 2)
    assert.isNull(await refusal(a.transport.address, "x", identity("raft:client:x")))
    assert.deepStrictEqual(a.problems, [])
  })

  it("a name with separators is still one name", async () => {
    const [a, b] = [await open("a"), await open("b/c", "raft:node:b%2Fc")]
    meet(a, b)
    await speaks(b, a, 1)
  })

  it("a node cannot speak as another one", async () => {
    const [a, b] = [await open("a"), await open("b", "raft:node:a")]
    introduce(b, ["a", a.transport.address])
    await until(() => /b says it is raft:node:b, its certificate says URI:raft:node:a/.test(a.told()))
    await until(() => /give it a certificate with the URI raft:node:b/.test(b.told()))
    introduce(a, ["b", b.transport.address])
    await until(() => /b says it is raft:node:b/.test(a.told()))
    a.transport.send(heartbeat("a", "b", 1))
    b.transport.send(heartbeat("b", "a", 1))
    await until(() => a.recorder.lost.includes("b") && b.recorder.lost.includes("a"))
    assert.deepStrictEqual([...a.recorder.heard, ...b.recorder.heard], [])
  })

  it("a client cannot speak as a node, nor as another client", async () => {
    const a = await open("a")
    const raw = rawTls(a.transport.address, asOptions(identity("raft:client:x")))
    raw.socket.write(helloOf({ from: "x", role: "peer" }))
    await until(() => raw.isClosed)
    assert(raw.helloAnswer._tag === "Refused")
    assert.strictEqual(raw.helloAnswer.reason, "WrongIdentity")
    assert.match(
      String(await refusal(a.transport.address, "y", identity("raft:client:x"))),
      /certificate says URI:raft:client:x/
    )
  })

  it("nobody is taken without a certificate of the authority", async () => {
    const a = await open("a")
    const foreign = await other.issue("raft:client:x", [authority])
    for (const options of [{}, asOptions(foreign)]) {
      const raw = rawTls(a.transport.address, options)
      raw.socket.write(helloOf({ from: "x", role: "client" }))
      await until(() => raw.isClosed)
      assert.lengthOf(raw.frames, 0)
    }
    assert.isNotNull(await refusal(a.transport.address, "x", null))
    await until(() => a.problems.length > 0)
  })

  it("a client does not speak with a node of another authority, nor with a client in a node's place", async () => {
    const a = await nodes.open("a", { tls: await other.issue("raft:node:a", [authority, other]) })
    assert.isNotNull(await refusal(a.transport.address, "x", identity("raft:client:x")))
    const false_ = await open("b", "raft:client:x")
    assert.match(String(await refusal(false_.transport.address, "x", identity("raft:client:x"))), /raft:node:b/)
  })

  it("no version below 1.3 is spoken", async () => {
    const a = await open("a")
    const raw = rawTls(a.transport.address, { ...asOptions(identity("raft:client:x")), maxVersion: "TLSv1.2" })
    await until(() => raw.isClosed)
    assert.match(a.told(), /refused by TLS/)
  })

  it("authorities and certificates are replaced without a stop, and what was trusted before is not any more", async () => {
    const [a, b] = [await open("a"), await open("b")]
    meet(a, b)
    await speaks(a, b, 1)
    await speaks(b, a, 1)
    const both = [authority, other]
    // First everybody trusts both; then certificates change; then the old authority goes.
    for (const [term, issuer, accepted] of [
      [2, authority, both],
      [3, other, both],
      [4, other, [other]]
    ] as const) {
      for (const node of [a, b]) {
        node.transport.setTls(await issuer.issue(`raft:node:${node.id}`, accepted))
        await speaks(a, b, term)
        await speaks(b, a, term)
      }
    }
    assert.isNotNull(await refusal(a.transport.address, "x", identity("raft:client:x")))
    assert.isNull(await refusal(a.transport.address, "x", await other.issue("raft:client:x")))
  })

  it("old connections end when certificates are replaced, and their sessions are worth nothing", async () => {
    // Its clock stands still: silence ends nothing.
    const a = await nodes.open("a", { tls: identity("raft:node:a"), environment: new ManualEnvironment() })
    const options = asOptions(identity("raft:client:x"))
    const raw = rawTls(a.transport.address, options)
    const session = new Promise<Buffer>((resolve) => (raw.socket as TLSSocket).once("session", resolve))
    raw.socket.write(helloOf({ from: "x", role: "client" }))
    await until(() => raw.frames.length === 1)
    const ticket = await session
    a.transport.setTls(await other.issue("raft:node:a"))
    await until(() => raw.isClosed)
    const again = rawTls(a.transport.address, { ...options, session: ticket })
    again.socket.write(helloOf({ from: "x", role: "client" }))
    await until(() => again.isClosed)
    assert.lengthOf(again.frames, 0)
  })

  it("a handshake that is under way when certificates are replaced ends too", async () => {
    const a = await open("a")
    const { port } = a.transport.address
    const raw = connectRaw(port)
    // Whoever comes later and is answered shows that the first one was accepted.
    assert.isNull(await refusal(a.transport.address, "x", identity("raft:client:x")))
    a.transport.setTls(identity("raft:node:a"))
    await until(() => raw.isClosed)
    assert.notMatch(a.told(), /handshake timeout/i)
  })

  it("a node that speaks without it cannot be given certificates while it runs", async () => {
    const a = await nodes.open("a")
    assert.throws(() => a.transport.setTls(identity("raft:node:a")), /when it starts/)
  })

  it("a certificate that does not fit its key is refused, and the one before stays", async () => {
    const [a, b] = [await open("a"), await open("b")]
    const bad = { ...identity("raft:node:a"), privateKeyPem: identity("raft:node:b").privateKeyPem }
    assert.throws(() => a.transport.setTls(bad), /check that they belong together/)
    meet(a, b)
    await speaks(a, b, 1)
    const failure = await nodes.open("c", { tls: bad }).then(
      () => assert.fail("it listens"),
      (cause: Error) => cause
    )
    assert.match(failure.message, /check that they belong together/)
  })
})
