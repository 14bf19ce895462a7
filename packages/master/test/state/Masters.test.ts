import { assert, describe, it } from "@effect/vitest"
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import { Effect, Queue } from "effect"
import { TestClock } from "effect/testing"
import { Limits } from "../../src/Limits.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { admit, clusterOf, createJoinToken, description, initialise, masterId, withToken } from "./TestCluster.ts"
import { onMaster, rejected, submit } from "./TestMaster.ts"

const names = Reads.use((reads) => Effect.map(reads.masters, (masters) => masters.map(({ name }) => name)))
const minute = 60_000

describe("the members of a cluster", () => {
  it.effect("the first entry makes the master that wrote it the first member, and it votes", () =>
    onMaster(
      Effect.gen(function* () {
        const { index } = yield* submit(initialise())
        const reads = yield* Reads
        const [first, ...others] = yield* reads.masters
        assert.deepStrictEqual(others, [])
        assert.strictEqual(first?.id, masterId(1))
        assert.isTrue(first?.voter)
        assert.strictEqual(first?.revision, index)
        assert.deepInclude(yield* reads.clusterState, {
          epoch: 1,
          frozen: false,
          freezeReason: null,
          clusterVersion: 1
        })
      })
    )
  )

  it.effect("a cluster from before there were several takes the first that describes itself, and no second", () =>
    onMaster(
      Effect.gen(function* () {
        const describeMaster = (number: number) => ({ _tag: "DescribeMaster", master: description(number) }) as const
        assert.strictEqual((yield* rejected(describeMaster(1))).code, "CONFLICT")
        yield* submit(initialise(null))
        yield* submit(describeMaster(1))
        assert.deepStrictEqual(yield* names, ["m1"])
        assert.strictEqual((yield* rejected(describeMaster(2))).code, "NOT_FOUND")
      })
    )
  )

  it.effect("a member's description changes, its vote does not, and the same description again changes nothing", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(2)
        yield* submit({ _tag: "SetMasterVoting", id: masterId(2), voter: false })
        const moved = description(2, { name: "second", peer_address: "10.0.0.2:7443", version: "0.3.0" })
        const { value } = yield* submit({ _tag: "DescribeMaster", master: moved })
        const stored = yield* Reads.use((reads) => reads.get("master", masterId(2)))
        assert.deepStrictEqual(value, stored)
        assert.deepInclude(stored, { ...moved, voter: false })
        yield* submit({ _tag: "DescribeMaster", master: moved })
        assert.strictEqual((yield* Reads.use((reads) => reads.get("master", masterId(2))))?.revision, stored?.revision)
      })
    )
  )

  for (const field of ["name", "peer_address", "agent_address"] as const) {
    it.effect(`two members never share their ${field}: it is refused as a clash that names the field`, () =>
      onMaster(
        Effect.gen(function* () {
          yield* clusterOf(2)
          const same = { [field]: description(1)[field].toUpperCase() }
          const joining = yield* rejected(admit(3, { master: description(3, same) }))
          assert.strictEqual(joining.code, "CLASH")
          assert.deepStrictEqual(joining.details, [{ field, message: `is used by master ${masterId(1)}` }])
          const moving = yield* rejected({ _tag: "DescribeMaster", master: description(2, same) })
          assert.strictEqual(moving.code, "CLASH")
          assert.deepStrictEqual(yield* names, ["m1", "m2"])
        })
      )
    )
  }

  it.effect("there are at most as many masters as the limit says", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(Limits.state.mastersMax)
        assert.strictEqual((yield* rejected(admit(Limits.state.mastersMax + 1))).code, "CONFLICT")
        yield* submit({ _tag: "RemoveMaster", id: masterId(2) })
        yield* submit(admit(Limits.state.mastersMax + 1))
      })
    )
  )

  it.effect("a removed master never comes back under its id, whatever it proves, and its name is free again", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(3)
        yield* submit({ _tag: "RemoveMaster", id: masterId(2) })
        assert.isTrue(yield* Reads.use((reads) => reads.isRemovedMaster(masterId(2))))
        assert.isFalse(yield* Reads.use((reads) => reads.isRemovedMaster(masterId(1))))
        assert.strictEqual((yield* rejected(admit(2))).details[0]?.field, "id")
        assert.strictEqual((yield* rejected({ _tag: "DescribeMaster", master: description(2) })).code, "NOT_FOUND")
        yield* submit(admit(4, { master: description(4, { name: "m2" }) }))
      })
    )
  )

  it.effect("the last master and the last voter stay", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(1)
        assert.strictEqual((yield* rejected({ _tag: "RemoveMaster", id: masterId(1) })).code, "CONFLICT")
        yield* submit(admit(2))
        yield* submit({ _tag: "SetMasterVoting", id: masterId(1), voter: false })
        assert.strictEqual((yield* rejected({ _tag: "RemoveMaster", id: masterId(2) })).code, "CONFLICT")
        const demotion = yield* rejected({ _tag: "SetMasterVoting", id: masterId(2), voter: false })
        assert.strictEqual(demotion.code, "CONFLICT")
        yield* submit({ _tag: "SetMasterVoting", id: masterId(1), voter: true })
        yield* submit({ _tag: "RemoveMaster", id: masterId(2) })
        assert.strictEqual((yield* rejected({ _tag: "RemoveMaster", id: masterId(9) })).code, "NOT_FOUND")
      })
    )
  )

  it.effect("a build that does not know the cluster's version neither joins nor describes itself", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(2)
        const newer = { cluster_versions: { lowest: 2, highest: 3 } }
        for (const command of [
          admit(3, { master: description(3, newer) }),
          { _tag: "DescribeMaster", master: description(2, newer) }
        ] as const) {
          const rejection = yield* rejected(command)
          assert.strictEqual(rejection.code, "UNPROCESSABLE")
          assert.strictEqual(rejection.details[0]?.field, "cluster_versions")
        }
      })
    )
  )

  it.effect("every change of the members is an event of kind master", () =>
    onMaster(
      Effect.gen(function* () {
        const queue = yield* Events.use((events) => events.subscribe)
        yield* clusterOf(2)
        yield* submit({ _tag: "DescribeMaster", master: description(2) })
        yield* submit({ _tag: "SetMasterVoting", id: masterId(2), voter: false })
        yield* submit({ _tag: "RemoveMaster", id: masterId(2) })
        const seen = (yield* Queue.clear(queue)).flatMap(({ event }: AppliedEvent) =>
          event._tag === "ResourceChanged" && event.kind === "master" ? [`${event.operation} ${event.id}`] : []
        )
        const [first, second] = [masterId(1), masterId(2)]
        assert.deepStrictEqual(seen, [`create ${first}`, `create ${second}`, `update ${second}`, `delete ${second}`])
      })
    )
  )
})

describe("admission", () => {
  it.effect("a join token works once: for another master, and for the same one with another key, it is used", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        yield* submit(createJoinToken(1))
        const reads = yield* Reads
        yield* submit(admit(2, withToken(1)))
        assert.isNotNull((yield* reads.joinToken(withToken(1).proof.token_hash))?.used_at)
        const other = yield* rejected(admit(3, withToken(1)))
        assert.strictEqual(other.code, "UNAUTHENTICATED")
        assert.strictEqual(other.details[0]?.field, "token")
        assert.strictEqual((yield* rejected(admit(2, { ...withToken(1), public_key: "another" }))).code, "CONFLICT")
        assert.deepStrictEqual(yield* names, ["m1", "m2"])
      })
    )
  )

  it.effect("of two masters that use one token at once, one gets in", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        yield* submit(createJoinToken(1))
        const both = [admit(2, withToken(1)), admit(3, withToken(1))]
        const results = yield* Effect.forEach(both, (command) => Effect.result(submit(command)), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(results.map(({ _tag }) => _tag).sort(), ["Failure", "Success"])
        assert.strictEqual((yield* names).length, 2)
      })
    )
  )

  it.effect("a master whose answer was lost comes again with token and key, also with a corrected address", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        yield* submit(createJoinToken(1))
        const first = yield* submit(admit(2, withToken(1)))
        assert.deepStrictEqual((yield* submit(admit(2, withToken(1)))).value, first.value)
        const moved = description(2, { peer_address: "10.0.0.2:7443" })
        yield* submit(admit(2, { ...withToken(1), master: moved }))
        assert.strictEqual((yield* Reads.use((reads) => reads.masters))[1]?.peer_address, "10.0.0.2:7443")
        yield* submit(createJoinToken(2))
        yield* submit(admit(2, withToken(2)))
        assert.strictEqual((yield* rejected(admit(3, withToken(2)))).code, "UNAUTHENTICATED")
      })
    )
  )

  it.effect("a token ends by the log's time, when it is revoked, and when it never was", () =>
    onMaster(
      Effect.gen(function* () {
        yield* TestClock.setTime(Date.parse("2030-01-01T00:00:00.000Z"))
        yield* submit(initialise())
        yield* submit(createJoinToken(1, "2030-01-01T00:10:00.000Z"))
        yield* submit(createJoinToken(2))
        yield* TestClock.adjust(10 * minute)
        assert.include((yield* rejected(admit(2, withToken(1)))).message, "expired")
        yield* submit({ _tag: "RevokeJoinToken", id: (yield* Reads.use((reads) => reads.joinTokens))[0]!.id })
        assert.strictEqual((yield* rejected(admit(2, withToken(2)))).code, "UNAUTHENTICATED")
        assert.strictEqual((yield* rejected(admit(2, withToken(3)))).code, "UNAUTHENTICATED")
        yield* submit(createJoinToken(4))
        assert.lengthOf(yield* Reads.use((reads) => reads.joinTokens), 1, "the expired one is forgotten")
        assert.deepStrictEqual(yield* names, ["m1"])
      })
    )
  )

  it.effect("a refused master burns no token", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        yield* submit(createJoinToken(1))
        yield* rejected(admit(2, { ...withToken(1), master: description(2, { name: "m1" }) }))
        yield* submit(admit(2, withToken(1)))
      })
    )
  )

  it.effect("only so many tokens are open at once, each with an id and a hash of its own", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        yield* submit(createJoinToken(1))
        assert.strictEqual((yield* rejected(createJoinToken(1))).code, "CONFLICT")
        assert.strictEqual((yield* rejected(createJoinToken(17))).code, "CONFLICT", "the hash of token 1")
        for (let number = 2; number <= Limits.state.openJoinTokensMax; number += 1)
          yield* submit(createJoinToken(number))
        const full = yield* rejected(createJoinToken(Limits.state.openJoinTokensMax + 1))
        assert.include(full.message, "revoke")
        yield* submit(admit(2, withToken(1)))
        assert.strictEqual((yield* Reads.use((reads) => reads.joinTokens)).length, Limits.state.openJoinTokensMax)
      })
    )
  )

  it.effect("a key is one master's: neither a member's id with another key nor another id with a member's key", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(2)
        assert.strictEqual((yield* rejected(admit(2, { public_key: "another" }))).details[0]?.field, "id")
        assert.strictEqual((yield* rejected(admit(3, { public_key: "key-2" }))).details[0]?.field, "public_key")
        yield* submit(admit(2))
        assert.deepStrictEqual(yield* names, ["m1", "m2"])
      })
    )
  )

  it.effect("with a member's certificate another takes its place, name, addresses and vote in one entry", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(3)
        yield* submit({ _tag: "SetMasterVoting", id: masterId(3), voter: false })
        const proof = { _tag: "Certificate", replaces: masterId(3) } as const
        const replacement = admit(4, { proof, master: { ...description(3), id: masterId(4) } })
        yield* submit(replacement)
        const reads = yield* Reads
        assert.isTrue(yield* reads.isRemovedMaster(masterId(3)))
        assert.deepInclude(yield* reads.get("master", masterId(4)), { name: "m3", voter: false })
        yield* submit(replacement)
        assert.strictEqual((yield* rejected(admit(5, { proof }))).code, "NOT_FOUND")
        const itself = { _tag: "Certificate", replaces: masterId(5) } as const
        assert.strictEqual((yield* rejected(admit(5, { proof: itself }))).code, "CONFLICT")
      })
    )
  )

  it.effect("the last voter is not replaced: the new one has nobody to learn from", () =>
    onMaster(
      Effect.gen(function* () {
        yield* clusterOf(1)
        const proof = { _tag: "Certificate", replaces: masterId(1) } as const
        assert.strictEqual((yield* rejected(admit(2, { proof }))).code, "CONFLICT")
        assert.deepStrictEqual(yield* names, ["m1"])
      })
    )
  )
})
