import { assert, it } from "@effect/vitest"
import { layerJsonLogger } from "@nxmesh/core/observe/JsonLogger"
import type { Address } from "@nxmesh/core/settings/SettingValues"
import { Effect, Fiber } from "effect"
import { freePorts } from "../../../../test/support/FreePort.ts"
import { until } from "../../../../test/support/Wait.ts"
import { JoinCluster, type JoinRequest } from "../../src/joining/JoinCluster.ts"
import { layerJoinCluster } from "../../src/joining/JoinClusterLayer.ts"
import { type Common, makeCommon, newPrivateKey, startMember } from "../peer/PeerFixture.ts"
import { description, masterId } from "../state/TestCluster.ts"

const loopback = (ports: ReadonlyArray<number>): ReadonlyArray<Address> =>
  ports.map((port) => ({ host: "127.0.0.1", port }))

const requestOf = Effect.fnUntraced(function* (
  common: Common,
  ports: ReadonlyArray<number>,
  number: number,
  over: { readonly secretFile?: string; readonly expect?: number } = {}
) {
  const request: JoinRequest = {
    members: loopback(ports),
    proof: {
      _tag: "ClusterSecret",
      secretFile: over.secretFile ?? common.secretFile,
      expect: over.expect ?? ports.length
    },
    master: description(number),
    names: { dnsNames: [], ipAddresses: ["127.0.0.1"] },
    privateKeyPem: yield* newPrivateKey,
    keyFile: common.keyFile,
    listen: { host: "127.0.0.1", port: ports[number - 1] ?? 0 }
  }
  return request
})

const join = (request: JoinRequest) =>
  JoinCluster.use((joining) => joining.join(request)).pipe(Effect.provide(layerJoinCluster))

it.live("three masters that start together, in any order, make one cluster, and the others join it (rule 18)", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const ports = yield* freePorts(3)
    const third = yield* Effect.forkChild(join(yield* requestOf(common, ports, 3)))
    const second = yield* Effect.forkChild(join(yield* requestOf(common, ports, 2)))
    // Started again before the first is there.
    yield* Fiber.interrupt(third)
    const again = yield* Effect.forkChild(join(yield* requestOf(common, ports, 3)))
    const first = yield* join(yield* requestOf(common, ports, 1))
    assert.deepStrictEqual(first, { _tag: "MakesCluster" })
    yield* startMember(common, { number: 1, clusterSecret: true, port: ports[0]! })
    for (const outcome of [yield* Fiber.join(second), yield* Fiber.join(again)]) {
      assert.strictEqual(outcome._tag, "Joined")
      if (outcome._tag === "Joined") assert.strictEqual(outcome.answer.authorityPem, common.authority.certificatePem)
    }
  })
)

it.live("a master that comes to a cluster that stands joins it, though the third is away", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const ports = yield* freePorts(3)
    yield* startMember(common, { number: 3, clusterSecret: true, port: ports[2]! })
    const outcome = yield* join(yield* requestOf(common, ports, 1))
    assert.strictEqual(outcome._tag, "Joined")
    if (outcome._tag === "Joined") {
      assert.deepStrictEqual(
        outcome.answer.masters.map(({ id }) => id),
        [masterId(1), masterId(3)]
      )
    }
  })
)

it.live("waits for a master that is away, and for one with another secret", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const ports = yield* freePorts(2)
    const stranger = yield* Effect.forkChild(
      join(yield* requestOf(common, ports, 2, { secretFile: common.otherSecretFile }))
    )
    const alone = yield* Effect.timeoutOption(join(yield* requestOf(common, ports, 1)), "2 seconds")
    assert.strictEqual(alone._tag, "None")
    yield* Fiber.interrupt(stranger)
  })
)

it.live("a member counts the questions of a master with another secret, and of one address says one in a while", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const ports = yield* freePorts(2)
    const lines: Array<string> = []
    const logger = layerJsonLogger({ component: "test", minimumLevel: "Warn", write: (line) => void lines.push(line) })
    yield* Effect.gen(function* () {
      const member = yield* startMember(common, { number: 2, clusterSecret: true, port: ports[1]! })
      const asking = yield* Effect.forkChild(
        join(yield* requestOf(common, ports, 1, { secretFile: common.otherSecretFile }))
      )
      yield* until(member.refused("cluster_secret"), (count) => count >= 2, { fact: "two questions were refused" })
      yield* Fiber.interrupt(asking)
    }).pipe(Effect.provide(logger))
    assert.lengthOf(
      lines.filter((line) => line.includes("a request of another master was refused")),
      1
    )
  })
)

it.live("refuses settings that do not name each of the expected masters once", () =>
  Effect.gen(function* () {
    const common = yield* makeCommon
    const ports = yield* freePorts(3)
    const error = yield* Effect.flip(join(yield* requestOf(common, ports, 1, { expect: 2 })))
    assert.strictEqual(error.reason, "Settings")
    assert.match(error.message, /names 3 masters, and NXMESH_BOOTSTRAP_EXPECT is 2/)
  })
)
