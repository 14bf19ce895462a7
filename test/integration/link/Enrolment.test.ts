import { assert, layer } from "@effect/vitest"
import { Identity } from "@nxmesh/agent/link/Identity"
import { Link } from "@nxmesh/agent/link/Link"
import { LinkSettings } from "@nxmesh/agent/link/LinkSettings"
import type { LinkHandlers, Task } from "@nxmesh/agent/link/LinkHandlers"
import { Outcomes } from "@nxmesh/agent/link/Outcomes"
import { AgentServer } from "@nxmesh/master/link/AgentServer"
import { DeploymentId, Generation } from "@nxmesh/protocol/Ids"
import { Effect, FileSystem, Layer, Queue, Redacted, Stream } from "effect"
import { NodeServices } from "@effect/platform-node"
import { MasterLayer, World } from "./LinkFixture.ts"

const facts = {
  hostname: "web-1",
  version: "0.1.0",
  deployment_mode: "standalone",
  nginx: null,
  capabilities: []
} as const
const health = {
  timestamp: "2026-03-02T14:30:00.000Z",
  nginx_status: { is_running: true, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 2, disk_used_gb: 1, disk_total_gb: 2 },
  config_checksum: null,
  alerts: []
}

const handlersOf = (tasks: Queue.Queue<Task>): LinkHandlers => ({
  registration: Effect.succeed({ facts, highest_order: null, serving: null }),
  have: Effect.succeed(null),
  task: (task) => Effect.asVoid(Queue.offer(tasks, task)),
  health: () => Stream.concat(Stream.make(health), Stream.never)
})

const linkLayer = (dataDirectory: string, settings: LinkSettings["Service"]) =>
  Link.layer.pipe(
    Layer.provideMerge(Identity.layer(dataDirectory)),
    Layer.provideMerge(Outcomes.layer),
    Layer.provide(Layer.succeed(LinkSettings, settings))
  )

const generation = Generation.make("a".repeat(64))

layer(MasterLayer.pipe(Layer.provideMerge(NodeServices.layer)), { excludeTestServices: true })(
  "the link over TLS 1.3",
  (it) => {
    it.effect("enrols an agent and gives it a Deploy", () =>
      Effect.gen(function* () {
        const world = yield* World
        const { port } = yield* AgentServer
        const { id, token } = yield* world.agent
        const directory = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped()
        const tasks = yield* Queue.bounded<Task>(4)
        yield* Queue.offer(world.directives(id), {
          _tag: "Deploy",
          order: { epoch: 0, index: 7 },
          deployment_id: DeploymentId.make("018f0000-0000-7000-8000-000000000002"),
          update: { _tag: "Full", bundle: { generation, resources: [] } },
          reload_interval_seconds: 0
        })
        const task = yield* Link.use(({ run }) => Effect.raceFirst(run(handlersOf(tasks)), Queue.take(tasks))).pipe(
          Effect.provide(
            linkLayer(directory, {
              urls: [`wss://127.0.0.1:${port}/agents`],
              token: Redacted.make(token),
              caFingerprint: world.authorityFingerprint
            })
          ),
          Effect.timeout("20 seconds")
        )
        assert.strictEqual(task._tag, "Deploy")
      })
    )
  }
)
