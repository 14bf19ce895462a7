import { randomBytes } from "node:crypto"
import { AgentDirectory } from "@nxmesh/master/link/AgentDirectory"
import { StoredDirectory } from "@nxmesh/master/link/StoredDirectory"
import { Reads } from "@nxmesh/master/state/Reads"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { Commands } from "@nxmesh/master/command/Commands"
import { ReadBarrier, ReadRefused } from "@nxmesh/master/command/ReadBarrier"
import { type AgentId, EnrolmentTokenId, Sha256 } from "@nxmesh/protocol/Ids"
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Redacted, Result } from "effect"
import { master } from "../auth/MasterState.ts"
import { agentId, uuid } from "../config/Fixtures.ts"
import { sealed, submit, tenant } from "../state/TestMaster.ts"

const directory = StoredDirectory.pipe(Layer.provideMerge(master))
const caller = { connectionId: 0, agentId: null, remoteAddress: "192.0.2.7", channelBinding: "" }
const facts = { hostname: "h", version: "1", deployment_mode: "standalone", nginx: null, capabilities: [] } as const

const issue = Effect.fnUntraced(function* (token: string, number: number) {
  const now = yield* Clock.currentTimeMillis
  yield* submit({
    _tag: "CreateEnrolmentToken",
    id: EnrolmentTokenId.make(uuid(9, number)),
    agent_id: agentId(1),
    token_hash: Sha256.make(sha256Hex(token)),
    expires_at: new Date(now + 60_000).toISOString(),
    sealed_token: sealed(token)
  })
})
const enrol = (token: string, public_key: string) =>
  AgentDirectory.use((one) => one.enrol({ token, public_key, proof: "AAAA", facts }, caller))
const keysOf = (id: AgentId, keyId = "any") => AgentDirectory.use((one) => one.keys(id, keyId))

describe("StoredDirectory", () => {
  it.effect("enrols with a token that was issued, and keeps no key in the clear (rule 19)", () =>
    Effect.gen(function* () {
      yield* tenant
      yield* issue("token", 1)
      const answer = yield* enrol("token", "a2V5")
      assert.strictEqual(answer.agent_id, agentId(1))
      const keys = yield* keysOf(answer.agent_id)
      const held = keys?.get(answer.key_id)
      assert.strictEqual(
        Buffer.from(Redacted.value(held ?? Redacted.make(randomBytes(1)))).toString("base64"),
        answer.session_key
      )
      const stored = yield* Reads.use((reads) => reads.agentKeys(answer.agent_id))
      assert.notInclude(JSON.stringify(stored), answer.session_key)
      const agent = yield* Reads.use((reads) => reads.get("agent", answer.agent_id))
      assert.strictEqual(agent?.ip_address, caller.remoteAddress)
    }).pipe(Effect.provide(directory))
  )

  it.effect("answers a retry of the same key with the first answer, and refuses another", () =>
    Effect.gen(function* () {
      yield* tenant
      yield* issue("token", 1)
      const first = yield* enrol("token", "a2V5")
      assert.deepStrictEqual(yield* enrol("token", "a2V5"), first)
      assert.strictEqual((yield* Effect.flip(enrol("token", "b3RoZXI="))).reason, "token_refused")
    }).pipe(Effect.provide(directory))
  )

  it.effect("lets one of many that use a token at once have it", () =>
    Effect.gen(function* () {
      yield* tenant
      yield* issue("token", 1)
      const publicKeys = Array.from({ length: 8 }, (_, number) => Buffer.from(`key ${number}`).toString("base64"))
      const results = yield* Effect.forEach(publicKeys, (one) => Effect.result(enrol("token", one)), { concurrency: 8 })
      assert.strictEqual(results.filter(Result.isSuccess).length, 1)
      const reasons = new Set(results.filter(Result.isFailure).map(({ failure }) => failure.reason))
      assert.deepStrictEqual([...reasons], ["token_refused"])
    }).pipe(Effect.provide(directory))
  )

  it.effect("refuses an unknown token without an entry in the log", () =>
    Effect.gen(function* () {
      yield* tenant
      const before = yield* Reads.use((reads) => reads.appliedIndex)
      assert.strictEqual((yield* Effect.flip(enrol("guessed", "a2V5"))).reason, "token_refused")
      assert.strictEqual(yield* Reads.use((reads) => reads.appliedIndex), before)
    }).pipe(Effect.provide(directory))
  )

  it.effect("holds both keys after a rotation, and the newest two after the next", () =>
    Effect.gen(function* () {
      yield* tenant
      yield* issue("token", 1)
      const { agent_id, key_id } = yield* enrol("token", "a2V5")
      const rotate = AgentDirectory.use((one) => one.rotateKey(agent_id, null))
      const second = yield* rotate
      assert.sameMembers([...((yield* keysOf(agent_id)) ?? new Map()).keys()], [key_id, second.key_id])
      const third = yield* rotate
      assert.sameMembers([...((yield* keysOf(agent_id)) ?? new Map()).keys()], [second.key_id, third.key_id])
    }).pipe(Effect.provide(directory))
  )

  it.effect("keeps opened keys for the next call, and none a moment longer than the agent is there", () =>
    Effect.gen(function* () {
      yield* tenant
      yield* issue("token", 1)
      const { agent_id, key_id } = yield* enrol("token", "a2V5")
      const first = yield* keysOf(agent_id, key_id)
      assert.strictEqual(yield* keysOf(agent_id, key_id), first)
      yield* submit({ _tag: "DeleteAgent", if_match: null, id: agent_id })
      assert.isUndefined(yield* keysOf(agent_id, key_id))
    }).pipe(Effect.provide(directory))
  )

  it.effect("knows no keys of an agent that never enrolled", () =>
    Effect.gen(function* () {
      yield* tenant
      assert.isUndefined(yield* keysOf(agentId(1)))
    }).pipe(Effect.provide(directory))
  )

  describe("at a master that is behind the cluster", () => {
    /** What happens while the master catches up stands for what other masters have committed. */
    const behind = <E>(catchUp: Effect.Effect<unknown, E, Commands>) => {
      const barrier = Layer.effect(
        ReadBarrier,
        Effect.gen(function* () {
          const commands = yield* Commands
          const linearizable = catchUp.pipe(
            Effect.provideService(Commands, commands),
            Effect.mapError(() => new ReadRefused({ reason: "NoLeader", message: "no leader is known" })),
            Effect.asVoid
          )
          return ReadBarrier.of({ linearizable, atLeast: () => Effect.void })
        })
      )
      return StoredDirectory.pipe(Layer.provide(barrier), Layer.provideMerge(master))
    }

    it.effect("enrols with a token that was issued at another one", () =>
      Effect.gen(function* () {
        const late = behind(Effect.andThen(tenant, issue("token", 1)))
        assert.strictEqual((yield* enrol("token", "a2V5").pipe(Effect.provide(late))).agent_id, agentId(1))
      })
    )

    it.effect("refuses nobody for good while it cannot find out", () =>
      Effect.gen(function* () {
        const cut = behind(Effect.fail("no leader"))
        const token = yield* Effect.flip(enrol("token", "a2V5")).pipe(Effect.provide(cut))
        assert.deepInclude(token, { reason: "unavailable", permanent: false })
        const agent = yield* Effect.flip(keysOf(agentId(1))).pipe(Effect.provide(cut))
        assert.deepInclude(agent, { reason: "unavailable", permanent: false })
      })
    )
  })
})

describe("a rotation of an agent's session key", () => {
  const rotate = (id: AgentId, signedWith: string | null) => AgentDirectory.use((one) => one.rotateKey(id, signedWith))

  it.effect("gives the new key again to an agent that lost the answer, and never shuts it out", () =>
    Effect.gen(function* () {
      yield* tenant
      yield* issue("token", 1)
      const first = yield* enrol("token", "a2V5")
      const second = yield* rotate(first.agent_id, first.key_id)
      assert.notStrictEqual(second.key_id, first.key_id)
      for (let lost = 0; lost < 3; lost++) {
        assert.deepStrictEqual(yield* rotate(first.agent_id, first.key_id), second)
        assert.isTrue((yield* keysOf(first.agent_id, first.key_id))?.has(first.key_id))
      }
      const third = yield* rotate(first.agent_id, second.key_id)
      const held = yield* keysOf(first.agent_id, third.key_id)
      assert.sameMembers([...(held?.keys() ?? [])], [second.key_id, third.key_id])
    }).pipe(Effect.provide(directory))
  )
})
