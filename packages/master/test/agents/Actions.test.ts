/** What is asked of an agent reaches it from any master, once, and its answer reaches whoever waits (rules 8 and 16). */
import { assert, describe, it } from "@effect/vitest"
import type { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import type { Command } from "@nxmesh/protocol/Command"
import { type ActionId, DeploymentId } from "@nxmesh/protocol/Ids"
import type { Directive } from "@nxmesh/protocol/link/Directive"
import type { ActionRecord } from "@nxmesh/protocol/model/ActionRecord"
import type { ActionOutcome, ActionStatus } from "@nxmesh/protocol/model/AgentAction"
import type { ResourceDraft } from "@nxmesh/protocol/peer/AgentMessage"
import { Context, Duration, Effect, Fiber, Queue } from "effect"
import { TestClock } from "effect/testing"
import { ActionOutcomes } from "../../src/agents/ActionOutcomes.ts"
import { makeSessionActions } from "../../src/agents/SessionActions.ts"
import { SessionRouter } from "../../src/agents/SessionRouter.ts"
import { Limits } from "../../src/Limits.ts"
import { Reads } from "../../src/state/Reads.ts"
import { agentId, host, labelled, upstream, uuid, workspace } from "../config/Fixtures.ts"
import { engineLayer } from "../config/TestEngine.ts"
import { admit, description, initialise } from "../state/TestCluster.ts"
import { actionId, requestAction, saveHost, submit, temporaryDirectory, tenant } from "../state/TestMaster.ts"
import { connectTo, severalMasters, type TestMaster } from "./SeveralMasters.ts"

const agent = agentId(1)
const deploymentId = DeploymentId.make(uuid(12, 7))

/** Two masters at the newest version of the cluster. */
const onTwoMasters = <A, E, R>(test: (one: TestMaster, two: TestMaster) => Effect.Effect<A, E, R>) =>
  Effect.flatMap(temporaryDirectory, (directory) =>
    Effect.gen(function* () {
      yield* submit({ ...initialise(description(1)), cluster_version: clusterVersions.highest } as Command)
      yield* submit(admit(2))
      yield* tenant
      yield* submit(saveHost(1))
      const all = yield* severalMasters(2)
      return yield* test(yield* all.start(1), yield* all.start(2))
    }).pipe(Effect.scoped, Effect.provide(engineLayer(directory)))
  )

type Perform = Extract<Directive, { readonly _tag: "Perform" }>

const nextPerform = (directives: Queue.Dequeue<Directive>): Effect.Effect<Perform> =>
  Effect.flatMap(Queue.take(directives), (directive) =>
    directive._tag === "Perform" ? Effect.succeed(directive) : nextPerform(directives)
  )

const answer = (
  action_id: ActionId,
  status: ActionStatus = "done",
  errors: ActionOutcome["errors"] = []
): ActionOutcome => ({
  action_id,
  status,
  message: `it is ${status}`,
  started_at: "2026-03-02T14:30:00.000Z",
  finished_at: "2026-03-02T14:30:01.000Z",
  errors
})

const outcomeAt = ({ services }: TestMaster, number: number) =>
  Context.get(services, ActionOutcomes).outcome(actionId(number), Limits.agents.actionAnswerMax)

const record = (number: number, requested_at: string): ActionRecord => ({
  id: actionId(number),
  agent_id: agent,
  workspace_id: workspace(1),
  action: "reload",
  deployment_id: null,
  requested_by: "somebody",
  requested_at,
  status: "pending",
  message: null,
  started_at: null,
  finished_at: null,
  errors: []
})

const reload = requestAction(1, 1, { action: "reload" })

describe("an action", () => {
  it.effect("asked at one master reaches the agent at another, and its answer whoever waits", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        const { connection, directives } = yield* connectTo(two, agent)
        yield* submit(reload)
        const waiting = yield* Effect.forkChild(outcomeAt(one, 1))
        const { action, action_id } = yield* nextPerform(directives)
        assert.deepStrictEqual([action_id, action], [actionId(1), { _tag: "reload" }])
        yield* connection.reportAction(answer(action_id))
        assert.deepInclude(yield* Fiber.join(waiting), { status: "done", message: "it is done" })
        assert.strictEqual((yield* outcomeAt(two, 1))?.status, "done", "who asks later is answered at once")
      })
    )
  )

  it.effect("is given once in a connection, and again under the same id when the answer was lost with it", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        const first = yield* connectTo(one, agent, { connection_epoch: 1 })
        yield* submit(reload)
        yield* nextPerform(first.directives)
        yield* submit(requestAction(2, 1, { action: "test" }))
        assert.strictEqual(
          (yield* nextPerform(first.directives)).action_id,
          actionId(2),
          "the first is not given again"
        )
        yield* first.leave
        const second = yield* connectTo(two, agent, { connection_epoch: 2 })
        const again = [yield* nextPerform(second.directives), yield* nextPerform(second.directives)]
        assert.deepStrictEqual(
          again.map(({ action_id }) => action_id),
          [actionId(1), actionId(2)]
        )
        yield* second.connection.reportAction(answer(actionId(1)))
        yield* second.connection.reportAction(answer(actionId(1), "failed"))
        assert.strictEqual((yield* Reads.use((reads) => reads.action(actionId(1))))?.status, "done")
      })
    )
  )

  it.effect("that nobody waits for any more is not begun by an agent that comes back", () =>
    onTwoMasters((one) =>
      Effect.gen(function* () {
        yield* submit(reload)
        yield* TestClock.adjust(Duration.sum(Limits.agents.actionAnswerMax, Duration.seconds(1)))
        const { directives } = yield* connectTo(one, agent)
        yield* submit(requestAction(2, 1, { action: "test" }))
        assert.strictEqual((yield* nextPerform(directives)).action_id, actionId(2))
        assert.strictEqual((yield* Reads.use((reads) => reads.action(actionId(1))))?.status, "pending")
      })
    )
  )

  it.effect("asked for while the agent is connected is given to it, also when the clock of the leader is behind", () =>
    Effect.gen(function* () {
      const given: Array<ActionId> = []
      const asked: Array<ActionRecord> = []
      const actions = yield* makeSessionActions({
        agentId: agent,
        protocol: 3,
        engine: { draftedUpdate: () => Effect.die("not asked for") },
        identifiers: { uuid: Effect.succeed("") } as unknown as Identifiers["Service"],
        order: Effect.succeed({ epoch: 1, index: 1 }),
        base: () => null,
        pending: Effect.sync(() => asked),
        record: () => Effect.void,
        give: (directive) => Effect.sync(() => void (directive._tag === "Perform" && given.push(directive.action_id)))
      })
      yield* TestClock.setTime(Date.parse("2026-03-02T15:00:00.000Z"))
      asked.push(record(1, "2026-03-02T14:58:00.000Z"))
      yield* actions.look
      assert.deepStrictEqual(given, [], "it is from before the agent connected, and nobody waits")
      asked.push(record(2, "2026-03-02T14:58:00.000Z"), record(3, "2026-03-02T14:00:00.000Z"))
      yield* actions.look
      yield* actions.look
      assert.deepStrictEqual(given, [actionId(2)])
    }).pipe(Effect.scoped)
  )

  it.effect("that is not answered in time is answered as pending, and is not lost", () =>
    onTwoMasters((one) =>
      Effect.gen(function* () {
        const { connection, directives } = yield* connectTo(one, agent)
        yield* submit(reload)
        const waiting = yield* Effect.forkChild(outcomeAt(one, 1))
        const { action_id } = yield* nextPerform(directives)
        yield* TestClock.adjust(Limits.agents.actionAnswerMax)
        assert.strictEqual((yield* Fiber.join(waiting))?.status, "pending")
        yield* connection.reportAction(answer(action_id))
        assert.strictEqual((yield* outcomeAt(one, 1))?.status, "done")
      })
    )
  )

  it.effect("is not given to an agent that does not know actions, and its master says so", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        const { directives } = yield* connectTo(one, agent, { protocol: { oldest: 1, newest: 2 } })
        yield* submit(reload)
        yield* TestClock.adjust("2 seconds")
        const described = yield* Context.get(two.services, SessionRouter).ask(agent, { _tag: "Describe" })
        assert.deepInclude(described, { _tag: "Described", protocol: 2 })
        const given = yield* Queue.takeAll(directives)
        assert.deepStrictEqual(
          given.map(({ _tag }) => _tag),
          ["Deploy"]
        )
        const reply = yield* preflight(one, [draft()])
        assert.include(reply._tag === "Unable" ? reply.reason : reply._tag, "upgrade the agent")
      })
    )
  )

  it.effect("holds the agent before it is asked to roll back", () =>
    onTwoMasters((one) =>
      Effect.gen(function* () {
        const { directives } = yield* connectTo(one, agent)
        yield* Queue.take(directives)
        yield* submit(requestAction(1, 1, { action: "rollback", deployment_id: deploymentId }))
        const tags: Array<Directive["_tag"]> = []
        while (tags.at(-1) !== "Perform") tags.push((yield* Queue.take(directives))._tag)
        assert.isBelow(tags.indexOf("Hold"), tags.indexOf("Perform"))
        assert.isAtLeast(tags.indexOf("Hold"), 0)
      })
    )
  )
})

const draft = (fields: Parameters<typeof host>[1] = {}): ResourceDraft => ({
  _tag: "virtual_host",
  data: { ...host(1), gzip_enabled: true, ...fields }
})

const preflight = ({ services }: TestMaster, drafts: ReadonlyArray<ResourceDraft>) =>
  Effect.flatMap(
    Reads.use((reads) => reads.appliedIndex),
    (min_index) =>
      Context.get(services, SessionRouter).ask(
        agent,
        { _tag: "Preflight", min_index, drafts },
        Limits.agents.preflightAnswerMax
      )
  )

describe("a preflight", () => {
  it.effect("gives the agent the configuration with the drafts, from another master, and answers its word", () =>
    onTwoMasters((one, two) =>
      Effect.gen(function* () {
        const { connection, directives } = yield* connectTo(one, agent)
        yield* TestClock.adjust("2 seconds")
        const before = yield* Reads.use((reads) => reads.appliedIndex)
        const asked = yield* Effect.forkChild(preflight(two, [draft()]))
        const { action, action_id } = yield* nextPerform(directives)
        assert.strictEqual(action._tag, "preflight")
        assert.include(JSON.stringify(action), '"gzip_enabled":true')
        const wrong = { step: "test", message: "unknown directive", file: null, line: null, resource: null } as const
        yield* connection.reportAction(answer(action_id, "failed", [wrong]))
        const reply = yield* Fiber.join(asked)
        assert.deepInclude(reply._tag === "Performed" ? reply.outcome : reply, { status: "failed", errors: [wrong] })
        assert.strictEqual(yield* Reads.use((reads) => reads.appliedIndex), before, "nothing is written")
      })
    )
  )

  it.effect("that the agent cannot take as a difference is sent whole, once", () =>
    onTwoMasters((one) =>
      Effect.gen(function* () {
        const { connection, directives } = yield* connectTo(one, agent)
        const deploy = yield* Effect.repeat(Queue.take(directives), { until: ({ _tag }) => _tag === "Deploy" })
        assert.strictEqual(deploy._tag, "Deploy")
        for (const number of [2, 3, 4]) yield* submit(saveHost(number))
        const asked = yield* Effect.forkChild(preflight(one, [draft()]))
        const first = yield* nextPerform(directives)
        yield* connection.reportAction(answer(first.action_id, "refused"))
        if (first.action._tag === "preflight" && first.action.update._tag === "Delta") {
          const second = yield* nextPerform(directives)
          assert.strictEqual(second.action._tag === "preflight" ? second.action.update._tag : "", "Full")
          yield* connection.reportAction(answer(second.action_id))
        }
        assert.strictEqual((yield* Fiber.join(asked))._tag, "Performed")
      })
    )
  )

  it.effect("of what the agent does not get cannot run, and says why", () =>
    onTwoMasters((one) =>
      Effect.gen(function* () {
        yield* connectTo(one, agent)
        for (const drafts of [
          [draft({ ...host(2), target_agents: labelled({ tier: "none" }) })],
          [{ _tag: "upstream" as const, data: upstream(7) }]
        ]) {
          const reply = yield* preflight(one, drafts)
          assert.include(reply._tag === "Unable" ? reply.reason : reply._tag, "does not touch this agent")
        }
      })
    )
  )

  it.effect("ends with the agent's connection, and when the agent says nothing", () =>
    onTwoMasters((one) =>
      Effect.gen(function* () {
        const first = yield* connectTo(one, agent)
        const lost = yield* Effect.forkChild(Effect.flip(preflight(one, [draft()])))
        yield* nextPerform(first.directives)
        yield* first.leave
        assert.strictEqual((yield* Fiber.join(lost)).reason, "NotConnected")
        const second = yield* connectTo(one, agent, { connection_epoch: 2 })
        const late = yield* Effect.forkChild(Effect.exit(preflight(one, [draft()])))
        yield* nextPerform(second.directives)
        yield* TestClock.adjust(Limits.agents.preflightAnswerMax)
        assert.include(JSON.stringify(yield* Fiber.join(late)), "within")
      })
    )
  )

  it.effect("waits its turn with few others, and more are told to come back", () =>
    onTwoMasters((one) =>
      Effect.gen(function* () {
        const { directives } = yield* connectTo(one, agent)
        for (let number = 0; number < Limits.agents.preflightsWaitingMax; number++) {
          yield* Effect.forkScoped(preflight(one, [draft()]))
          yield* nextPerform(directives)
        }
        assert.strictEqual((yield* Effect.flip(preflight(one, [draft()]))).reason, "Busy")
      })
    )
  )
})
