/** What agents are told to go by: their own choice, else their workspace's, else the default. */
import { assert, describe, it } from "@effect/vitest"
import { clusterVersions } from "@nxmesh/protocol/ClusterVersion"
import type { Command } from "@nxmesh/protocol/Command"
import { agentPolicyDefault } from "@nxmesh/protocol/model/AgentPolicy"
import { Effect, Queue } from "effect"
import { workspace } from "../config/Fixtures.ts"
import { description, initialise } from "../state/TestCluster.ts"
import { saveAgent, saveHost, saveOrganization, saveWorkspace, submit, tenant, update } from "../state/TestMaster.ts"
import { connect, generationOf, nextDeploy, onSessions, outcome } from "./Connecting.ts"

const begun = Effect.gen(function* () {
  yield* submit({ ...initialise(description(1)), cluster_version: clusterVersions.highest } as Command)
  yield* tenant
})

const workspaceGoesBy = (agent_policy: object): Command => {
  const save = saveWorkspace(1) as Extract<Command, { readonly _tag: "SaveWorkspace" }>
  return { ...save, mode: "update", workspace: { ...save.workspace, id: workspace(1), agent_policy } }
}

describe("a policy", () => {
  it.effect("is told after the registration, and at each change of the agent's or the workspace's choice", () =>
    onSessions(
      Effect.gen(function* () {
        yield* begun
        const { policies } = yield* connect()
        assert.deepStrictEqual(yield* Queue.take(policies), agentPolicyDefault)
        yield* submit(workspaceGoesBy({ drift: "alert", bad_object: "isolate" }))
        assert.deepStrictEqual(yield* Queue.take(policies), {
          ...agentPolicyDefault,
          drift: "alert",
          bad_object: "isolate"
        })
        yield* submit(saveAgent(1, { policy: { drift: "accept" } }, update()))
        assert.deepInclude(yield* Queue.take(policies), { drift: "accept", bad_object: "isolate" })
        yield* submit(saveAgent(1, {}, update()))
        assert.deepInclude(yield* Queue.take(policies), { drift: "alert", bad_object: "isolate" })
      }).pipe(Effect.scoped)
    )
  )

  it.effect("is told once, and not for changes of something else", () =>
    onSessions(
      Effect.gen(function* () {
        yield* begun
        const { policies } = yield* connect()
        yield* Queue.take(policies)
        yield* submit(saveAgent(1, { name: "renamed" }, update()))
        yield* submit(saveOrganization(2))
        yield* submit(workspaceGoesBy({ report_interval_seconds: 60 }))
        assert.strictEqual((yield* Queue.take(policies)).report_interval_seconds, 60)
        assert.strictEqual(yield* Queue.size(policies), 0)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("that leaves bad resources out from now on has what was refused before sent again", () =>
    onSessions(
      Effect.gen(function* () {
        yield* begun
        yield* submit(saveHost(1))
        const { connection, directives } = yield* connect()
        const refused = yield* nextDeploy(directives)
        yield* connection.reportDeployments({ outcomes: [outcome(refused, "failed", null)] })
        yield* submit(saveAgent(1, { policy: { drift: "alert" } }, update()))
        assert.strictEqual(yield* Queue.size(directives), 0)
        yield* submit(saveAgent(1, { policy: { bad_object: "isolate" } }, update()))
        assert.strictEqual(generationOf((yield* nextDeploy(directives)).update), generationOf(refused.update))
      }).pipe(Effect.scoped)
    )
  )

  it.effect(
    "gives an agent that connects its interval of reports, also one that knows no policies and is told none",
    () =>
      onSessions(
        Effect.gen(function* () {
          yield* begun
          yield* submit(saveAgent(1, { policy: { report_interval_seconds: 45 } }, update()))
          const { connection, directives, policies } = yield* connect({}, null, { protocol: 2 })
          assert.strictEqual(connection.heartbeatSeconds, 45)
          assert.strictEqual((yield* Queue.take(directives))._tag, "Deploy")
          assert.strictEqual(yield* Queue.size(policies), 0)
        }).pipe(Effect.scoped)
      )
  )
})
