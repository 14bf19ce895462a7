/** The agent's link with handlers that only remember, in a data directory of its own. */
import { NodeServices } from "@effect/platform-node"
import { Identity } from "@nxmesh/agent/link/Identity"
import { Link } from "@nxmesh/agent/link/Link"
import type { LinkHandlers, Task } from "@nxmesh/agent/link/LinkHandlers"
import type { LinkPhase } from "@nxmesh/agent/link/LinkMachine"
import { LinkSettings } from "@nxmesh/agent/link/LinkSettings"
import { Outcomes } from "@nxmesh/agent/link/Outcomes"
import { Context, Effect, FileSystem, Layer, Queue, Redacted, Stream } from "effect"
import { until } from "../../support/Wait.ts"
import { withoutNginx } from "../../support/WithoutNginx.ts"
import { facts } from "./RawAgent.ts"

const health = {
  timestamp: "2026-03-02T14:30:00.000Z",
  nginx_status: { is_running: true, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 2, disk_used_gb: 1, disk_total_gb: 2 },
  config_checksum: null,
  alerts: []
}

const handlersOf = (tasks: Queue.Queue<Task>): LinkHandlers => ({
  ...withoutNginx,
  registration: Effect.succeed({ facts, highest_order: null, serving: null }),
  have: Effect.succeed(null),
  task: (task) => Effect.asVoid(Queue.offer(tasks, task)),
  health: () => Stream.concat(Stream.make(health), Stream.never)
})

export interface LinkOptions {
  readonly ports: ReadonlyArray<number>
  readonly token: string | null
  readonly fingerprint: string | null
  readonly dataDirectory?: string
  /** What the rest of the agent answers otherwise. */
  readonly handlers?: Partial<LinkHandlers>
}

export const dataDirectory = FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped()).pipe(
  Effect.provide(NodeServices.layer)
)

/** Runs until the scope ends. */
export const startLink = Effect.fnUntraced(function* (options: LinkOptions) {
  const directory = options.dataDirectory ?? (yield* dataDirectory)
  const tasks = yield* Queue.bounded<Task>(16)
  const settings = LinkSettings.of({
    urls: options.ports.map((port) => `wss://127.0.0.1:${port}/agents`),
    token: options.token === null ? null : Redacted.make(options.token),
    caFingerprint: options.fingerprint
  })
  const context = yield* Layer.build(
    Link.layer.pipe(
      Layer.provideMerge(
        Layer.mergeAll(Identity.layer(directory), Outcomes.layer, Layer.succeed(LinkSettings, settings))
      ),
      Layer.fresh
    )
  )
  const link = Context.get(context, Link)
  yield* Effect.forkScoped(link.run({ ...handlersOf(tasks), ...options.handlers }))
  const is = (phase: LinkPhase) =>
    until(link.state, (state) => state.phase === phase, { fact: `the link is ${phase}`, everyMillis: 5 })
  return {
    link,
    is,
    tasks,
    identity: Context.get(context, Identity),
    outcomes: Context.get(context, Outcomes),
    directory
  }
})
