import { createServer, type Socket } from "node:net"
import { assert, it } from "@effect/vitest"
import { AgentId } from "@nxmesh/protocol/Ids"
import { Effect, Fiber, Layer } from "effect"
import { masterUri } from "../../src/consensus/CertificateNames.ts"
import { NodeIdentity } from "../../src/consensus/NodeIdentity.ts"
import { PeerClient } from "../../src/peer/PeerClient.ts"
import { admit, description, masterId } from "../state/TestCluster.ts"
import { submit } from "../state/TestMaster.ts"
import {
  agentId,
  presence,
  certificateOf,
  type Common,
  identityLayer,
  makeCommon,
  type Member,
  startMember,
  statusOf
} from "./PeerFixture.ts"

/** Master 3 is at this address, as the member's state has it. */
const place = (member: Member, address: string) =>
  submit({ ...admit(3), master: description(3, { agent_address: address }) }).pipe(
    Effect.provideContext(member.context)
  )

/** Asks as master 2, from the member's state. */
const asMasterTwo = <A, E>(common: Common, member: Member, use: Effect.Effect<A, E, PeerClient>) =>
  Effect.gen(function* () {
    const certificate = yield* certificateOf(common.authority, [masterUri(masterId(2))])
    yield* submit(admit(2))
    return yield* Effect.provide(use, PeerClient.layer.pipe(Layer.provide(identityLayer(masterId(2), certificate))))
  }).pipe(Effect.provideContext(member.context))

/** Takes connections and says nothing. */
const silentServer = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const sockets: Array<Socket> = []
    const server = createServer((socket) => void sockets.push(socket.on("error", () => undefined)))
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(
        Effect.succeed({
          port: typeof address === "object" ? (address?.port ?? 0) : 0,
          close: () => {
            server.close()
            for (const socket of sockets) socket.destroy()
          }
        })
      )
    })
  }),
  ({ close }) => Effect.sync(close)
)

it.live("asks a master by its id, wherever the state says it is, on connections that it keeps", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const other = yield* startMember(common, { number: 3 })
    yield* submit(admit(2)).pipe(Effect.provideContext(other.context))
    yield* place(member, `127.0.0.1:${other.port}`)
    const asking = Effect.gen(function* () {
      const client = yield* PeerClient
      for (let time = 0; time < 3; time += 1) {
        assert.deepStrictEqual(yield* client.status(masterId(3)), statusOf(masterId(3)))
      }
      const again = { _tag: "DeployAgain" } as const
      assert.deepStrictEqual(yield* client.agentMessage(masterId(3), agentId, again), { _tag: "Taken" })
      const elsewhere = AgentId.make(masterId(7))
      assert.deepStrictEqual(yield* client.agentMessage(masterId(3), elsewhere, again), { _tag: "NotConnected" })
      assert.deepStrictEqual(yield* client.presence(masterId(3), { since: null }), presence)
      const told = yield* client.telemetry(masterId(3), { tag: "echo", question: '{"of":"lines"}' })
      assert.deepStrictEqual(told, { answer: '{"heard":{"of":"lines"}}' })
      const unknown = yield* Effect.flip(client.telemetry(masterId(3), { tag: "other", question: "{}" }))
      assert.include(unknown.message, "nobody answers other")
    })
    yield* asMasterTwo(common, member, asking)
  })
)

it.live("follows a master to another address", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const other = yield* startMember(common, { number: 3 })
    yield* submit(admit(2)).pipe(Effect.provideContext(other.context))
    yield* place(member, "127.0.0.1:1")
    const asking = Effect.gen(function* () {
      const client = yield* PeerClient
      assert.strictEqual((yield* Effect.flip(client.status(masterId(3)))).reason, "Unreachable")
      yield* place(member, `127.0.0.1:${other.port}`)
      assert.deepStrictEqual(yield* client.status(masterId(3)), statusOf(masterId(3)))
    })
    yield* asMasterTwo(common, member, asking)
  })
)

it.live("shows a renewed certificate from then on, and what was asked with the one of before is answered", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const other = yield* startMember(common, { number: 3 })
    yield* submit(admit(2)).pipe(Effect.provideContext(other.context))
    yield* submit(admit(2)).pipe(Effect.provideContext(member.context))
    yield* place(member, `127.0.0.1:${other.port}`)
    const make = certificateOf(common.authority, [masterUri(masterId(2))])
    let certificate = yield* make
    const identity = Layer.effect(
      NodeIdentity,
      NodeIdentity.useSync((known) => NodeIdentity.of({ ...known, current: Effect.sync(() => certificate) }))
    ).pipe(Layer.provide(identityLayer(masterId(2), certificate)))
    yield* Effect.gen(function* () {
      const { status } = yield* PeerClient
      for (let time = 0; time < 5; time += 1) {
        const renewed = yield* make
        const asking = yield* Effect.forEach(Array.from({ length: 20 }), () =>
          Effect.forkChild(status(masterId(3)), { startImmediately: true })
        )
        // They are under way by now, each as far as it has come.
        yield* Effect.yieldNow
        certificate = renewed
        assert.deepStrictEqual(yield* status(masterId(3)), statusOf(masterId(3)))
        for (const answer of yield* Effect.forEach(asking, Fiber.join)) {
          assert.deepStrictEqual(answer, statusOf(masterId(3)))
        }
      }
    }).pipe(Effect.provide(PeerClient.layer.pipe(Layer.provide(identity))), Effect.provideContext(member.context))
  })
)

it.live("says how another master failed it", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const stranger = yield* startMember(common, { number: 3 })
    const silent = yield* silentServer
    const asking = Effect.gen(function* () {
      const client = yield* PeerClient
      const failure = (deadline: "5 seconds" | "200 millis" = "5 seconds") =>
        Effect.map(Effect.flip(client.status(masterId(3), deadline)), ({ reason }) => reason)
      assert.strictEqual(yield* failure(), "Unknown")
      yield* place(member, `127.0.0.1:${silent.port}`)
      assert.strictEqual(yield* failure("200 millis"), "TimedOut")
      // Its own state does not hold master 2.
      yield* place(member, `127.0.0.1:${stranger.port}`)
      assert.strictEqual(yield* failure(), "Refused")
    })
    yield* asMasterTwo(common, member, asking)
  })
)

it.live("tells nothing to a master that has the address of another one", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    // Master 1 answers where master 3 should be.
    yield* place(member, `127.0.0.1:${member.port}`)
    const refused = yield* asMasterTwo(
      common,
      member,
      Effect.gen(function* () {
        return yield* Effect.flip((yield* PeerClient).status(masterId(3)))
      })
    )
    assert.strictEqual(refused.reason, "OtherMaster")
    assert.match(refused.message, /this is not master/)
  })
)

it.live("hears from whichever master has the address that it was removed, as after a recovery", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const member = yield* startMember(common)
    const successor = yield* startMember(common, { number: 4 })
    yield* Effect.andThen(submit(admit(2)), submit({ _tag: "RemoveMaster", id: masterId(2) })).pipe(
      Effect.provideContext(successor.context)
    )
    yield* place(member, `127.0.0.1:${successor.port}`)
    const told = yield* asMasterTwo(
      common,
      member,
      Effect.gen(function* () {
        return yield* Effect.flip((yield* PeerClient).status(masterId(3)))
      })
    )
    assert.strictEqual(told.reason, "Removed")
    assert.include(told.message, "was removed from this cluster")
  })
)
