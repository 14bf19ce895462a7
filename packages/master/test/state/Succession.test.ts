/** What the state forgets and keeps when another cluster goes on with it. */
import { assert, describe, it } from "@effect/vitest"
import type { Command, CommandOf } from "@nxmesh/protocol/Command"
import { ClusterId, SessionId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import { Reads } from "../../src/state/Reads.ts"
import { agentId, uuid } from "../config/Fixtures.ts"
import { clusterOf, createJoinToken, description, initialise, masterId } from "./TestCluster.ts"
import { hash, onMaster, rejected, saveUser, submit, tenant, userId } from "./TestMaster.ts"

const successor = ClusterId.make(uuid(0xc, 2))
const sessionId = SessionId.make(uuid(9, 1))

const openEpoch = (reason: CommandOf<"OpenEpoch">["reason"], epoch: number, number = 9): Command => ({
  _tag: "OpenEpoch",
  reason,
  // The same name and addresses: the machine is.
  into: { cluster_id: successor, epoch, master: { ...description(1), id: masterId(number) } }
})

/** Three masters, an agent that one of them holds, a token to join with, and a person who is logged in. */
const setting = Effect.gen(function* () {
  yield* clusterOf(3)
  yield* tenant
  yield* submit(createJoinToken(1))
  yield* submit(saveUser(2, "operator"))
  yield* submit({
    _tag: "ClaimAgents",
    master_id: masterId(2),
    incarnation: "i",
    claims: [{ agent_id: agentId(1), connection_epoch: 1 }]
  })
  yield* submit({
    _tag: "StartSession",
    id: sessionId,
    user_id: userId(2),
    refresh_hash: hash("1"),
    expires_at: "2100-01-01T00:00:00.000Z",
    remote_address: "192.0.2.1"
  })
})

const ended = Reads.use((reads) => Effect.map(reads.session(sessionId), (session) => session?.end_reason ?? null))

describe("a state that goes on as another cluster (rule 20)", () => {
  it.effect("has one master, remembers the others as removed, and forgets who may join and who holds which agent", () =>
    onMaster(
      Effect.gen(function* () {
        yield* setting
        yield* submit(openEpoch("recovered", 1_700_000_000))
        const reads = yield* Reads
        assert.deepInclude(yield* reads.clusterState, {
          clusterId: successor,
          epoch: 1_700_000_000,
          frozen: true,
          clusterVersion: 1
        })
        assert.deepStrictEqual(
          (yield* reads.masters).map(({ id, voter }) => [id, voter]),
          [[masterId(9), true]]
        )
        for (const number of [1, 2, 3]) assert.isTrue(yield* reads.isRemovedMaster(masterId(number)))
        assert.deepStrictEqual(yield* reads.joinTokens, [])
        assert.strictEqual((yield* reads.agentClaims).size, 0)
        assert.isDefined(yield* reads.get("agent", agentId(1)))
        assert.isNull(yield* ended, "nothing was turned back: sessions go on")
      })
    )
  )

  it.effect("ends every session when it was turned back: who logged out since would be logged in again", () =>
    onMaster(
      Effect.gen(function* () {
        yield* setting
        yield* submit(openEpoch("restored", 2))
        assert.strictEqual(yield* ended, "restored")
      })
    )
  )

  it.effect("never goes back to an epoch that agents may have seen (rule 1)", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise())
        yield* submit(openEpoch("restored", 7))
        for (const epoch of [6, 7]) {
          assert.strictEqual((yield* rejected(openEpoch("restored", epoch, 8))).code, "UNPROCESSABLE")
        }
      })
    )
  )
})
