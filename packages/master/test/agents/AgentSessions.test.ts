import { assert, describe, it } from "@effect/vitest"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { HealthReport } from "@nxmesh/protocol/model/Health"
import { Effect, Layer, Queue } from "effect"
import { AgentSessions } from "../../src/agents/AgentSessions.ts"
import { ConfigEngine } from "../../src/config/ConfigEngine.ts"
import { Reads } from "../../src/state/Reads.ts"
import { agentId, certificateId, hostId, location, upstreamId } from "../config/Fixtures.ts"
import { engineLayer, saveCertificate } from "../config/TestEngine.ts"
import { saveAgent, saveHost, saveUpstream, submit, temporaryDirectory, tenant } from "../state/TestMaster.ts"
import { connect, generationOf, nextDeploy, onSessions, outcome, settled } from "./Connecting.ts"

const update = { mode: "update", if_match: null } as const

describe("AgentSessions", () => {
  it.effect("deploys on connecting, then sends a change at once as a delta, ordered after what came before", () =>
    onSessions(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveHost(1))
        yield* submit(saveHost(2))
        const { connection, directives } = yield* connect()
        const first = yield* nextDeploy(directives)
        assert.strictEqual(first.update._tag, "Full")
        yield* connection.reportDeployments(settled(first))
        const { index } = yield* submit(saveHost(1, { gzip_enabled: true }, update))
        const second = yield* nextDeploy(directives)
        assert.strictEqual(second.update._tag, "Delta")
        assert.isAtLeast(second.order.index, index)
        assert.isAbove(second.order.index, first.order.index)
        assert.strictEqual(generationOf(second.update), yield* (yield* ConfigEngine).generation(agentId(1)))
      }).pipe(Effect.scoped)
    )
  )

  it.effect("merges changes that come while a deployment is in flight", () =>
    onSessions(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveHost(1))
        const { connection, directives } = yield* connect()
        const first = yield* nextDeploy(directives)
        for (const number of [2, 3, 4]) yield* submit(saveHost(number))
        yield* connection.reportDeployments(settled(first))
        const second = yield* nextDeploy(directives)
        assert.strictEqual(generationOf(second.update), yield* (yield* ConfigEngine).generation(agentId(1)))
        yield* connection.reportDeployments(settled(second))
        assert.strictEqual(yield* Queue.size(directives), 0)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("knows what an agent says it serves, before any deployment and after each", () =>
    onSessions(
      Effect.gen(function* () {
        yield* tenant
        const sessions = yield* AgentSessions
        const serving = Effect.map(sessions.view(agentId(1)), (view) => view?.serving)
        const empty = yield* (yield* ConfigEngine).generation(agentId(1))
        const { connection, directives } = yield* connect({ serving: empty }, empty)
        assert.strictEqual(yield* serving, empty)
        yield* submit(saveHost(1))
        const deploy = yield* nextDeploy(directives)
        yield* connection.reportDeployments({ outcomes: [outcome(deploy, "failed", empty)] })
        assert.strictEqual(yield* serving, empty)
        yield* submit(saveHost(2))
        const next = yield* nextDeploy(directives)
        yield* connection.reportDeployments(settled(next))
        assert.strictEqual(yield* serving, generationOf(next.update))
      }).pipe(Effect.scoped)
    )
  )

  it.effect("sends nothing to an agent that serves what it should", () =>
    onSessions(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveHost(1))
        const serving = yield* (yield* ConfigEngine).generation(agentId(1))
        const { directives } = yield* connect({ serving }, serving)
        yield* submit(saveAgent(1, { name: "renamed" }, update))
        yield* submit(saveHost(2))
        const deploy = yield* nextDeploy(directives)
        assert.notStrictEqual(generationOf(deploy.update), serving)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("acknowledges outcomes when they are durable, and records one told twice once", () =>
    onSessions(
      Effect.gen(function* () {
        const reads = yield* Reads
        yield* tenant
        yield* submit(saveHost(1))
        const { connection, directives } = yield* connect()
        const deploy = yield* nextDeploy(directives)
        yield* connection.reportDeployments(settled(deploy))
        assert.strictEqual((yield* reads.lastDeployment(agentId(1)))?.id, deploy.deployment_id)
        yield* connection.reportDeployments(settled(deploy))
        assert.strictEqual((yield* reads.generation(generationOf(deploy.update)))?.settled, 1)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("does not send a failed generation again, but what changes, and what an operator asks for", () =>
    onSessions(
      Effect.gen(function* () {
        const sessions = yield* AgentSessions
        yield* tenant
        yield* submit(saveHost(1))
        const { connection, directives } = yield* connect()
        const first = yield* nextDeploy(directives)
        yield* connection.reportDeployments({ outcomes: [outcome(first, "failed", null)] })
        assert.isTrue(yield* sessions.deployAgain(agentId(1)))
        const again = yield* nextDeploy(directives)
        assert.strictEqual(generationOf(again.update), generationOf(first.update))
        assert.notStrictEqual(again.deployment_id, first.deployment_id)
        yield* connection.reportDeployments({ outcomes: [outcome(again, "failed", null)] })
        yield* submit(saveHost(1, { gzip_enabled: true }, update))
        const changed = yield* nextDeploy(directives)
        assert.notStrictEqual(generationOf(changed.update), generationOf(first.update))
      }).pipe(Effect.scoped)
    )
  )

  it.effect("holds an agent in maintenance, and lets it catch up after", () =>
    onSessions(
      Effect.gen(function* () {
        yield* tenant
        yield* submit(saveHost(1))
        const { connection, directives } = yield* connect()
        yield* connection.reportDeployments(settled(yield* nextDeploy(directives)))
        yield* submit(saveAgentMaintenance(true))
        assert.strictEqual((yield* Queue.take(directives))._tag, "Hold")
        yield* submit(saveHost(2))
        yield* submit(saveAgentMaintenance(false))
        const deploy = yield* nextDeploy(directives)
        assert.strictEqual(generationOf(deploy.update), yield* (yield* ConfigEngine).generation(agentId(1)))
      }).pipe(Effect.scoped)
    )
  )

  it.effect("says goodbye to an agent that is removed, and refuses its next connection for good", () =>
    onSessions(
      Effect.gen(function* () {
        yield* tenant
        const { directives } = yield* connect()
        yield* nextDeploy(directives)
        yield* submit({ _tag: "DeleteAgent", id: agentId(1), if_match: null })
        assert.strictEqual((yield* Queue.take(directives))._tag, "Goodbye")
        const refusal = yield* Effect.flip(connect())
        assert.strictEqual(refusal.reason, "unknown_agent")
        assert.isTrue(refusal.permanent)
      }).pipe(Effect.scoped)
    )
  )

  it.effect("gives a bundle whole only to the agent that was told to serve it", () =>
    onSessions(
      Effect.gen(function* () {
        const sessions = yield* AgentSessions
        yield* tenant
        yield* submit(saveHost(1))
        const { directives } = yield* connect()
        const deploy = yield* nextDeploy(directives)
        const bundle = yield* sessions.bundle(agentId(1), generationOf(deploy.update))
        assert.isTrue(bundle.resources.some(({ key }) => key === `virtual_host:${hostId(1)}`))
        yield* submit(saveAgent(2))
        const stranger = yield* Effect.flip(sessions.bundle(agentId(2), bundle.generation))
        assert.strictEqual(stranger.reason, "unavailable")
      }).pipe(Effect.scoped)
    )
  )

  it.effect("knows who is connected, when it was last seen, and its health", () =>
    onSessions(
      Effect.gen(function* () {
        const sessions = yield* AgentSessions
        yield* tenant
        assert.isUndefined(yield* sessions.view(agentId(1)))
        yield* Effect.gen(function* () {
          const { connection } = yield* connect()
          const health: HealthReport = {
            timestamp: "2026-03-02T14:30:00.000Z",
            nginx_status: {
              is_running: true,
              pid: 1,
              uptime_seconds: 1,
              active_connections: 1,
              requests_per_second: 1
            },
            system_metrics: {
              cpu_percent: 1,
              memory_used_mb: 1,
              memory_total_mb: 1,
              disk_used_gb: 1,
              disk_total_gb: 1
            },
            config_checksum: null,
            alerts: []
          }
          yield* connection.reportHealth(health)
          const view = yield* sessions.view(agentId(1))
          assert.isTrue(view?.connected)
          assert.deepStrictEqual(view?.health, health)
        }).pipe(Effect.scoped)
        assert.isFalse((yield* sessions.view(agentId(1)))?.connected)
        assert.isFalse(yield* sessions.deployAgain(agentId(1)))
      })
    )
  )

  it.effect("records what an agent says of itself, once", () =>
    onSessions(
      Effect.gen(function* () {
        const reads = yield* Reads
        yield* tenant
        yield* Effect.scoped(connect())
        const stored = yield* reads.get("agent", agentId(1))
        assert.strictEqual(stored?.facts?.hostname, "edge-1")
        assert.strictEqual(stored?.ip_address, "192.0.2.1")
        const before = yield* reads.appliedIndex
        yield* Effect.scoped(connect())
        assert.strictEqual(yield* reads.appliedIndex, before)
      })
    )
  )

  it.effect("counts directives, outcomes and convergence", () =>
    onSessions(
      Effect.gen(function* () {
        yield* tenant
        const { connection, directives } = yield* connect()
        yield* connection.reportDeployments(settled(yield* nextDeploy(directives)))
        yield* submit(saveHost(1))
        yield* connection.reportDeployments(settled(yield* nextDeploy(directives)))
        const text = yield* (yield* Metrics).text
        assert.include(text, 'nxmesh_master_directives_total{directive="deploy_full"} 2')
        assert.include(text, 'nxmesh_master_deployments_total{status="settled"} 2')
        assert.include(text, "nxmesh_master_agent_sessions 1")
        assert.include(text, "nxmesh_convergence_seconds_count 1")
      }).pipe(Effect.scoped)
    )
  )
})

describe("previews after a restart", () => {
  it.effect("still differ from what the agent serves, by the versions that its deployment recorded", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const master = AgentSessions.layer.pipe(Layer.provideMerge(engineLayer(directory)))
      const serving = yield* Effect.gen(function* () {
        yield* tenant
        yield* submit(saveUpstream(1))
        yield* submit(yield* saveCertificate(1))
        yield* submit(saveHost(1, { locations: [location({ return: null, upstream_id: upstreamId(1) })] }))
        yield* submit(
          saveHost(2, { listen_port: 443, ssl_enabled: true, ssl_certificate_id: certificateId(1), template: "spa" })
        )
        const { connection, directives } = yield* connect()
        const deploy = yield* nextDeploy(directives)
        yield* connection.reportDeployments(settled(deploy))
        return generationOf(deploy.update)
      }).pipe(Effect.scoped, Effect.provide(master))

      // Changed by a master that never saw what the agent serves.
      yield* submit(saveHost(1, { gzip_enabled: true, template: "api" }, update)).pipe(Effect.provide(master))
      const preview = yield* ConfigEngine.use((engine) => engine.preview(agentId(1), [])).pipe(Effect.provide(master))
      assert.strictEqual(preview.serving_generation, serving)
      assert.deepStrictEqual(
        preview.problems.filter(({ message }) => message.includes("every file")),
        []
      )
      assert.isTrue(preview.changes.some(({ diff }) => diff.includes("+    gzip on;")))
      assert.isFalse(preview.changes.some(({ path }) => path.includes("host-2")))
    })
  )
})

const saveAgentMaintenance = (maintenance: boolean) => {
  const command = saveAgent(1, {}, update)
  if (command._tag !== "SaveAgent") return command
  return { ...command, agent: { ...command.agent, maintenance } }
}
