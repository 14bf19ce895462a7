import { AlertBoard } from "@nxmesh/agent/alerts/AlertBoard"
import { Backends } from "@nxmesh/agent/backends/Backends"
import { Deployer } from "@nxmesh/agent/deploy/Deployer"
import { DriftWatch } from "@nxmesh/agent/drift/DriftWatch"
import { HealthReporter } from "@nxmesh/agent/health/HealthReporter"
import { HostMetrics } from "@nxmesh/agent/health/HostMetrics"
import { NginxHealth } from "@nxmesh/agent/health/NginxHealth"
import { NginxWish } from "@nxmesh/agent/nginx/NginxWish"
import { CurrentPolicy } from "@nxmesh/agent/policy/CurrentPolicy"
import { SiteCheck } from "@nxmesh/agent/probe/SiteCheck"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import { agentPolicyDefault } from "@nxmesh/protocol/model/AgentPolicy"
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"

const deploymentId = DeploymentId.make("01980000-0000-7000-8000-000000000001")
const served = { deploymentId, generation: Generation.make("a".repeat(64)), directory: "20260302143000-000001" }
const status = { is_running: true, pid: 7, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 }
const space = { usedBytes: 1, totalBytes: 2 ** 40 }

/** An agent in which all is well but what the test raises, with a policy that the test changes. */
const reporting = (policy: { seconds: number }) =>
  HealthReporter.layer.pipe(
    Layer.provideMerge(AlertBoard.layer),
    Layer.provide([
      Layer.mock(Backends)({ down: Effect.succeed([]) }),
      Layer.mock(Deployer)({
        current: Effect.succeed(served),
        lastOutcome: Effect.succeed(null),
        recovered: { decision: "Nothing", outcome: null, served }
      }),
      DriftWatch.layerNone,
      Layer.mock(HostMetrics)({ read: Effect.succeed({ cpuPercent: 1, memory: space, disk: space }) }),
      Layer.mock(NginxHealth)({
        read: Effect.succeed({
          status,
          stub: null,
          answeredBy: deploymentId,
          openFiles: { open: 40, limit: 1_024, fullest: 0.1 }
        })
      }),
      Layer.mock(NginxWish)({ get: Effect.succeed("running") }),
      Layer.mock(SiteCheck)({ latest: Effect.succeed(null) }),
      Layer.mock(CurrentPolicy)({
        get: Effect.sync(() => ({ ...agentPolicyDefault, report_interval_seconds: policy.seconds }))
      })
    ])
  )

describe("HealthReporter", () => {
  it.effect("reports at once, at the master's interval, when something changes, and at a new policy's interval", () => {
    const policy = { seconds: 30 }
    return Effect.gen(function* () {
      const seconds: Array<number> = []
      const { reports } = yield* HealthReporter
      const board = yield* AlertBoard
      yield* Effect.forkChild(
        Stream.runForEach(reports(Duration.seconds(20)), ({ timestamp }) =>
          Effect.sync(() => seconds.push(new Date(timestamp).getTime() / 1_000))
        ),
        { startImmediately: true }
      )
      yield* TestClock.adjust("41 seconds")
      assert.deepStrictEqual(seconds, [0, 20, 40])
      yield* board.raise("test", [{ severity: "warning", code: "something", message: "" }])
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(seconds.slice(3), [42])
      policy.seconds = 5
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(seconds.slice(4), [52, 58])
      yield* board.raise("test", [])
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(seconds.at(-1), 62)
    }).pipe(Effect.provide(reporting(policy)))
  })

  it.effect("tells descriptors, and alerts that any part of the agent raised", () =>
    Effect.gen(function* () {
      const board = yield* AlertBoard
      const alert = { severity: "critical", code: "something", message: "is wrong" } as const
      yield* board.raise("one", [alert])
      yield* board.raise("other", [])
      const made = yield* (yield* HealthReporter).report
      assert.deepInclude(made.system_metrics, { nginx_open_files: 40, nginx_open_files_max: 1_024 })
      assert.deepStrictEqual(made.alerts, [alert])
      assert.strictEqual(made.config_checksum, served.generation)
    }).pipe(Effect.provide(reporting({ seconds: 30 })))
  )
})
