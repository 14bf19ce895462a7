import { assert, describe, it } from "@effect/vitest"
import type { Command } from "@nxmesh/protocol/Command"
import { SessionId } from "@nxmesh/protocol/Ids"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Effect, Queue } from "effect"
import { Limits } from "../../src/Limits.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { agentId, uuid } from "../config/Fixtures.ts"
import {
  admit,
  clusterOf,
  createJoinToken,
  description,
  initialise,
  joinTokenId,
  masterId,
  ofVersion1
} from "./TestCluster.ts"
import { hash, onMaster, rejected, saveUser, submit, tenant, saveAgent, userId } from "./TestMaster.ts"

const state = Reads.use((reads) => reads.clusterState)
const freeze = (frozen: boolean, reason = "a release goes wrong"): Command => ({ _tag: "SetFreeze", frozen, reason })

describe("the switches of a cluster", () => {
  it.effect("freezing keeps the reason, unfreezing forgets it, and only a change is an event", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        const queue = yield* Events.use((events) => events.subscribe)
        yield* submit(freeze(true))
        assert.deepInclude(yield* state, { frozen: true, freezeReason: "a release goes wrong" })
        yield* submit(freeze(true, "still wrong"))
        assert.deepInclude(yield* state, { frozen: true, freezeReason: "still wrong" })
        const { value } = yield* submit(freeze(false))
        assert.deepStrictEqual(value, { epoch: 1, frozen: false, freeze_reason: null, cluster_version: 1 })
        yield* submit(freeze(false))
        assert.deepStrictEqual(
          (yield* Queue.clear(queue)).map(({ event }) => event),
          [
            { _tag: "FreezeChanged", frozen: true },
            { _tag: "FreezeChanged", frozen: false }
          ]
        )
      })
    )
  )

  it.effect("rule 20: an epoch opens frozen, and rule 1: each is one higher", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        const queue = yield* Events.use((events) => events.subscribe)
        yield* submit({ _tag: "OpenEpoch", reason: "restored" })
        yield* submit(freeze(false))
        yield* submit({ _tag: "OpenEpoch", reason: "recovered" })
        assert.deepInclude(yield* state, { epoch: 3, frozen: true })
        assert.include((yield* state)?.freezeReason ?? "", "lost quorum")
        assert.deepStrictEqual(
          (yield* Queue.clear(queue)).map(({ event }) => event._tag),
          ["EpochOpened", "FreezeChanged", "FreezeChanged", "EpochOpened", "FreezeChanged"]
        )
      })
    )
  )

  it.effect("rule 6: the cluster version goes up by one, when every member knows the next, and never down", () =>
    onMaster(
      Effect.gen(function* () {
        const version = (number: number): Command => ({ _tag: "SetClusterVersion", version: number })
        yield* submit(initialise(description(1, ofVersion1)))
        yield* submit(admit(2, { master: description(2, ofVersion1) }))
        const behind = yield* rejected(version(2))
        assert.strictEqual(behind.code, "UNPROCESSABLE")
        assert.include(behind.message, "m1, m2")
        const knows = { cluster_versions: { lowest: 1, highest: 3 } }
        yield* submit({ _tag: "DescribeMaster", master: description(1, knows) })
        assert.include((yield* rejected(version(2))).message, "upgrade m2 first")
        yield* submit({ _tag: "DescribeMaster", master: description(2, knows) })
        assert.strictEqual((yield* rejected(version(3))).code, "UNPROCESSABLE")
        yield* submit(version(2))
        yield* submit(version(2))
        assert.strictEqual((yield* rejected(version(1))).code, "UNPROCESSABLE")
        assert.strictEqual((yield* state)?.clusterVersion, 2)
        assert.strictEqual(
          (yield* rejected(admit(3, { master: description(3, ofVersion1) }))).code,
          "UNPROCESSABLE",
          "a build of version 1 joins too late"
        )
      })
    )
  )

  it.effect("before the first entry there is no switch, and no second first entry", () =>
    onMaster(
      Effect.gen(function* () {
        assert.isUndefined(yield* state)
        assert.strictEqual((yield* rejected(freeze(true))).code, "CONFLICT")
        assert.strictEqual((yield* rejected({ _tag: "OpenEpoch", reason: "restored" })).code, "CONFLICT")
        yield* submit(initialise())
        assert.strictEqual((yield* rejected(initialise(description(2)))).code, "CONFLICT")
        assert.lengthOf(yield* Reads.use((reads) => reads.masters), 1)
      })
    )
  )
})

describe("claims (rule 16)", () => {
  const claim = (
    master: number,
    claims: ReadonlyArray<readonly [agent: number, epoch: number]>,
    incarnation = "i1"
  ): Command => ({
    _tag: "ClaimAgents",
    master_id: masterId(master),
    incarnation,
    claims: claims.map(([agent, connection_epoch]) => ({ agent_id: agentId(agent), connection_epoch }))
  })
  const holder = (agent: number) => Reads.use((reads) => reads.agentClaim(agentId(agent)))
  const setting = Effect.gen(function* () {
    yield* clusterOf(3)
    yield* tenant
    yield* submit(saveAgent(2))
  })

  it.effect("rule 16: the highest connection epoch wins, whoever writes later", () =>
    onMaster(
      Effect.gen(function* () {
        yield* setting
        yield* submit(claim(1, [[1, 5]]))
        const late = yield* submit(claim(2, [[1, 4]]))
        assert.deepStrictEqual(late.value, { claimed: [], lost: [agentId(1)] })
        assert.deepStrictEqual(yield* holder(1), {
          master_id: masterId(1),
          incarnation: "i1",
          connection_epoch: 5
        })
        yield* submit(claim(2, [[1, 6]]))
        assert.strictEqual((yield* holder(1))?.master_id, masterId(2))
      })
    )
  )

  it.effect("rule 16: of two claims with one epoch the later entry wins", () =>
    onMaster(
      Effect.gen(function* () {
        yield* setting
        yield* submit(claim(1, [[1, 5]]))
        yield* submit(claim(2, [[1, 5]], "i2"))
        assert.deepInclude(yield* holder(1), { master_id: masterId(2), incarnation: "i2" })
      })
    )
  )

  it.effect("a batch wins and loses one by one, says so to whoever claimed, and to everybody what was won", () =>
    onMaster(
      Effect.gen(function* () {
        yield* setting
        yield* submit(claim(1, [[1, 5]]))
        const queue = yield* Events.use((events) => events.subscribe)
        const mixed: ReadonlyArray<readonly [number, number]> = [
          [1, 3],
          [2, 1],
          [9, 1]
        ]
        const { value } = yield* submit(claim(2, mixed))
        assert.deepStrictEqual(value, { claimed: [agentId(2)], lost: [agentId(1)] })
        assert.deepStrictEqual(
          (yield* Queue.clear(queue)).map(({ event }) => event),
          [{ _tag: "AgentsClaimed", agent_ids: [agentId(2)], master_id: masterId(2), incarnation: "i1" }]
        )
        assert.isUndefined(yield* holder(9), "an agent that does not exist is not held")
        assert.lengthOf([...(yield* Reads.use((reads) => reads.agentClaims))], 2)
      })
    )
  )

  it.effect("claims go with the agent, and with the master that made them", () =>
    onMaster(
      Effect.gen(function* () {
        yield* setting
        const both: ReadonlyArray<readonly [number, number]> = [
          [1, 1],
          [2, 1]
        ]
        yield* submit(claim(2, both))
        yield* submit({ _tag: "DeleteAgent", if_match: null, id: agentId(1) })
        assert.isUndefined(yield* holder(1))
        yield* submit({ _tag: "RemoveMaster", id: masterId(2) })
        assert.isUndefined(yield* holder(2))
        assert.strictEqual((yield* rejected(claim(2, both))).code, "NOT_FOUND")
      })
    )
  )

  it.effect("one command claims a bounded number of agents", () =>
    onMaster(
      Effect.gen(function* () {
        yield* setting
        const many = Array.from({ length: Limits.state.claimsPerCommandMax + 1 }, () => [1, 1] as const)
        assert.strictEqual((yield* rejected(claim(1, many))).code, "UNPROCESSABLE")
        yield* submit(claim(1, many.slice(1)))
      })
    )
  )
})

describe("who may change a cluster", () => {
  const user = (number: number): Principal => ({
    _tag: "User",
    user_id: userId(number),
    session_id: SessionId.make(uuid(9, number))
  })
  const people = Effect.gen(function* () {
    yield* clusterOf(2)
    yield* submit(saveUser(2, "operator"))
    for (const number of [1, 2]) {
      yield* submit({
        _tag: "StartSession",
        id: SessionId.make(uuid(9, number)),
        user_id: userId(number),
        refresh_hash: hash(String(number)),
        expires_at: "2100-01-01T00:00:00.000Z",
        remote_address: "192.0.2.1"
      })
    }
  })
  const administrators: ReadonlyArray<Command> = [
    createJoinToken(1),
    { _tag: "RevokeJoinToken", id: joinTokenId(1) },
    { _tag: "SetMasterVoting", id: masterId(2), voter: true },
    { _tag: "RemoveMaster", id: masterId(2) },
    freeze(true)
  ]
  const masters: ReadonlyArray<Command> = [
    admit(3),
    { _tag: "DescribeMaster", master: description(1) },
    { _tag: "OpenEpoch", reason: "restored" },
    { _tag: "ClaimAgents", master_id: masterId(1), incarnation: "i", claims: [] }
  ]

  it.effect("an administrator changes members, tokens and the freeze switch; an operator changes none of it", () =>
    onMaster(
      Effect.gen(function* () {
        yield* people
        for (const command of administrators) {
          const refusal = yield* rejected(command, { principal: user(2) })
          assert.strictEqual(refusal.code, "FORBIDDEN", command._tag)
        }
        for (const command of administrators) yield* submit(command, { principal: user(1) })
      })
    )
  )

  it.effect("what masters say of themselves nobody else may say", () =>
    onMaster(
      Effect.gen(function* () {
        yield* people
        for (const command of masters) {
          assert.strictEqual((yield* rejected(command, { principal: user(1) })).code, "FORBIDDEN", command._tag)
        }
      })
    )
  )

  it.effect("every such change is in the audit, with what it was about and without a secret", () =>
    onMaster(
      Effect.gen(function* () {
        yield* people
        for (const command of administrators) yield* submit(command, { principal: user(1) })
        const { items } = yield* Reads.use((reads) =>
          reads.audit({ page: 1, perPage: 100, sort: "entry", descending: false, filters: { principal: userId(1) } })
        )
        assert.deepStrictEqual(
          items.map(({ command, kind, resource_id }) => [command, kind, resource_id]),
          [
            ["CreateJoinToken", "join_token", joinTokenId(1)],
            ["RevokeJoinToken", "join_token", joinTokenId(1)],
            ["SetMasterVoting", "master", masterId(2)],
            ["RemoveMaster", "master", masterId(2)],
            ["SetFreeze", "cluster", uuid(0xc, 1)]
          ]
        )
        assert.notInclude(JSON.stringify(items), hash("1"))
      })
    )
  )
})
