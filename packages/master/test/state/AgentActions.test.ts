/** What people ask of agents at once, and what each answer makes of the agent (AF-001). */
import { assert, describe, it } from "@effect/vitest"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import type { Command } from "@nxmesh/protocol/Command"
import { DeploymentId, Generation, SessionId } from "@nxmesh/protocol/Ids"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Effect, Queue } from "effect"
import { Limits } from "../../src/Limits.ts"
import { Events } from "../../src/state/Events.ts"
import { Reads } from "../../src/state/Reads.ts"
import { plainOutcome } from "../../../../test/support/Resources.ts"
import { agentId, uuid } from "../config/Fixtures.ts"
import { description, initialise } from "./TestCluster.ts"
import {
  actionId,
  hash,
  onMaster,
  recordAction,
  rejected,
  requestAction,
  saveAgent,
  saveUser,
  submit,
  tenant,
  update,
  userId
} from "./TestMaster.ts"

const initialised = submit({
  ...initialise(description(1)),
  cluster_version: clusterVersions.highest
} as Command)

/** A cluster of the newest version with an agent, and a person who may do everything. */
const begun = Effect.gen(function* () {
  yield* initialised
  yield* tenant
  return yield* person("admin", 5)
})

const person = Effect.fnUntraced(function* (role: "admin" | "operator" | "viewer", number: number) {
  yield* submit(saveUser(number, role))
  const session_id = SessionId.make(uuid(9, number))
  yield* submit({
    _tag: "StartSession",
    id: session_id,
    user_id: userId(number),
    refresh_hash: hash(String(number)),
    expires_at: "2100-01-01T00:00:00.000Z",
    remote_address: "192.0.2.1"
  })
  const principal: Principal = { _tag: "User", user_id: userId(number), session_id }
  return { principal }
})

const agent = Effect.map(
  Reads.use((reads) => reads.get("agent", agentId(1))),
  (found) => found!
)
const action = (number: number) => Reads.use((reads) => reads.action(actionId(number)))
const deployment_id = DeploymentId.make(uuid(12, 7))
const rollback = { action: "rollback", deployment_id } as const

describe("an action of a person", () => {
  it.effect(
    "is in the log before the agent is asked, with who, what and when, and the agent's master hears of it",
    () =>
      onMaster(
        Effect.gen(function* () {
          const by = yield* begun
          const events = yield* Events.use(({ subscribe }) => subscribe)
          yield* submit(requestAction(1, 1, { action: "reload" }), by)
          assert.deepInclude(yield* action(1), { action: "reload", status: "pending", requested_by: userId(5) })
          const seen = (yield* Queue.clear(events)).map(({ event }) => event)
          assert.deepInclude(seen, { _tag: "AgentActionRequested", agent_id: agentId(1) })
          assert.deepStrictEqual(
            (yield* Reads.use((reads) => reads.pendingActions(agentId(1)))).map(({ id }) => id),
            [actionId(1)]
          )
          const audit = yield* Reads.use((reads) =>
            reads.audit({
              page: 1,
              perPage: 10,
              sort: "entry",
              descending: true,
              filters: { command: "RequestAgentAction" }
            })
          )
          assert.deepInclude(audit.items[0], { principal: userId(5), kind: "agent", outcome: "accepted" })
        })
      )
  )

  it.effect(
    "has its outcome recorded once: a later answer, one of another agent, and one never asked for change nothing",
    () =>
      onMaster(
        Effect.gen(function* () {
          const by = yield* begun
          yield* submit(saveAgent(2))
          yield* submit(requestAction(1, 1, { action: "reload" }), by)
          yield* submit(recordAction(1, 2, "failed"))
          yield* submit(recordAction(9, 1, "failed"))
          assert.strictEqual((yield* action(1))?.status, "pending")
          yield* submit(recordAction(1, 1, "done"))
          yield* submit(recordAction(1, 1, "failed"))
          assert.deepInclude(yield* action(1), { status: "done", message: "it is done" })
        })
      )
  )

  it.effect("needs agent:reload for reload and test, and agent:write for the rest", () =>
    onMaster(
      Effect.gen(function* () {
        yield* begun
        const operator = yield* person("operator", 6)
        const viewer = yield* person("viewer", 7)
        yield* submit(requestAction(1, 1, { action: "reload" }), operator)
        yield* submit(requestAction(2, 1, { action: "test" }), operator)
        for (const name of ["start", "stop", "restart", "upgrade_binary", "maintenance_off"] as const) {
          const refusal = yield* rejected(requestAction(3, 1, { action: name }), operator)
          assert.include(refusal.message, "agent:write", name)
        }
        assert.strictEqual((yield* rejected(requestAction(3, 1, rollback), operator)).code, "FORBIDDEN")
        assert.strictEqual((yield* rejected(requestAction(3, 1, { action: "reload" }), viewer)).code, "FORBIDDEN")
      })
    )
  )

  it.effect("is refused below cluster version 3, and everything else goes on without it", () =>
    onMaster(
      Effect.gen(function* () {
        yield* submit(initialise(description(1)))
        yield* tenant
        assert.include((yield* rejected(requestAction(1, 1, { action: "reload" }))).message, "needs version 3")
        const chosen = saveAgent(1, { policy: { drift: "alert" } }, update())
        assert.include((yield* rejected(chosen)).message, "needs version 3")
        assert.isUndefined(yield* action(1))
        assert.deepStrictEqual(yield* Reads.use((reads) => reads.pendingActions(agentId(1))), [])
        yield* submit(saveAgent(1, { name: "renamed" }, update()))
        yield* submit({ _tag: "DeleteAgent", id: agentId(1), if_match: null })
      })
    )
  )

  it.effect("keeps the newest of each agent, and none of an agent that is gone", () =>
    onMaster(
      Effect.gen(function* () {
        const by = yield* begun
        const bound = Limits.state.actionsPerAgentMax
        for (let number = 1; number <= bound + 3; number++) {
          yield* submit(requestAction(number, 1, { action: "test" }), by)
        }
        const kept = yield* Reads.use((reads) => reads.actions(agentId(1)))
        assert.deepStrictEqual([kept.length, kept[0]?.id], [bound, actionId(bound + 3)])
        assert.isUndefined(yield* action(3))
        yield* submit({ _tag: "DeleteAgent", id: agentId(1), if_match: null })
        assert.deepStrictEqual(yield* Reads.use((reads) => reads.actions(agentId(1))), [])
      })
    )
  )
})

describe("maintenance", () => {
  it.effect("is put on and off at once, without the agent, and says who and why", () =>
    onMaster(
      Effect.gen(function* () {
        const by = yield* begun
        yield* submit(requestAction(1, 1, { action: "maintenance_on", reason: "a new disk" }), by)
        assert.deepInclude(yield* agent, { maintenance: true, maintenance_reason: "a new disk (User 5)" })
        assert.strictEqual((yield* action(1))?.status, "done")
        yield* submit(saveAgent(1, { name: "renamed", maintenance: true }, update()))
        assert.strictEqual((yield* agent).maintenance_reason, "a new disk (User 5)")
        yield* submit(requestAction(2, 1, { action: "maintenance_off" }), by)
        assert.isFalse((yield* agent).maintenance)
        assert.notProperty(yield* agent, "maintenance_reason")
        yield* submit(requestAction(3, 1, { action: "maintenance_off" }), by)
        assert.strictEqual((yield* action(3))?.status, "unchanged")
      })
    )
  )

  it.effect("ended by a change of the agent takes its reason with it", () =>
    onMaster(
      Effect.gen(function* () {
        const by = yield* begun
        yield* submit(requestAction(1, 1, { action: "maintenance_on", reason: null }), by)
        assert.strictEqual((yield* agent).maintenance_reason, "put in maintenance by User 5")
        yield* submit(saveAgent(1, {}, update()))
        assert.notProperty(yield* agent, "maintenance_reason")
      })
    )
  )
})

describe("a rollback", () => {
  it.effect("holds the agent from before it is tried, and says so when it is done", () =>
    onMaster(
      Effect.gen(function* () {
        const by = yield* begun
        yield* submit(requestAction(1, 1, rollback), by)
        const asked = yield* agent
        assert.isTrue(asked.maintenance)
        assert.include(asked.maintenance_reason, `a rollback to deployment ${deployment_id} was asked for by User 5`)
        yield* submit(recordAction(1, 1, "done"))
        assert.include((yield* agent).maintenance_reason, `rolled back to deployment ${deployment_id} by User 5`)
        assert.isTrue((yield* agent).maintenance)
      })
    )
  )

  it.effect("that the agent refuses leaves the agent as it was", () =>
    onMaster(
      Effect.gen(function* () {
        const by = yield* begun
        yield* submit(requestAction(1, 1, rollback), by)
        yield* submit(recordAction(1, 1, "refused"))
        assert.isFalse((yield* agent).maintenance)
        yield* submit(requestAction(2, 1, { action: "maintenance_on", reason: "a new disk" }), by)
        yield* submit(requestAction(3, 1, rollback), by)
        yield* submit(recordAction(3, 1, "refused"))
        assert.deepInclude(yield* agent, { maintenance: true, maintenance_reason: "a new disk (User 5)" })
      })
    )
  )

  it.effect("that failed stays held, and one that somebody ended meanwhile stays ended", () =>
    onMaster(
      Effect.gen(function* () {
        const by = yield* begun
        yield* submit(requestAction(1, 1, rollback), by)
        yield* submit(recordAction(1, 1, "failed"))
        assert.isTrue((yield* agent).maintenance)
        yield* submit(requestAction(2, 1, rollback), by)
        yield* submit(requestAction(3, 1, { action: "maintenance_off" }), by)
        yield* submit(recordAction(2, 1, "done"))
        assert.isFalse((yield* agent).maintenance)
      })
    )
  )

  it.effect("to a deployment of another agent is refused by its field", () =>
    onMaster(
      Effect.gen(function* () {
        const by = yield* begun
        yield* submit(saveAgent(2))
        const outcome = { ...plainOutcome, id: deployment_id, generation: Generation.make(hash("a")) }
        yield* submit({ _tag: "RecordDeployments", outcomes: [{ agent_id: agentId(2), outcome }] })
        const refusal = yield* rejected(requestAction(1, 1, rollback), by)
        assert.deepStrictEqual(refusal.details, [
          { field: "deployment_id", message: "is a deployment of another agent" }
        ])
        assert.isFalse((yield* agent).maintenance)
      })
    )
  )
})

describe("a stopped nginx", () => {
  it.effect("is remembered with who stopped it, until it is started", () =>
    onMaster(
      Effect.gen(function* () {
        const by = yield* begun
        yield* submit(requestAction(1, 1, { action: "stop" }), by)
        assert.notProperty(yield* agent, "nginx_stopped")
        yield* submit(recordAction(1, 1, "done"))
        assert.strictEqual((yield* agent).nginx_stopped?.by, "User 5")
        yield* submit(requestAction(2, 1, { action: "start" }), by)
        yield* submit(recordAction(2, 1, "failed"))
        yield* submit(saveAgent(1, { name: "renamed" }, update()))
        assert.property(yield* agent, "nginx_stopped")
        yield* submit(requestAction(3, 1, { action: "start" }), by)
        yield* submit(recordAction(3, 1, "unchanged"))
        assert.notProperty(yield* agent, "nginx_stopped")
      })
    )
  )
})
