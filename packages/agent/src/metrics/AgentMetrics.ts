/** The agent's Prometheus metrics (AF-004), gathered when they are asked for. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { outboxKinds } from "@nxmesh/protocol/link/OutboxBatch"
import { Clock, Context, Effect, Layer } from "effect"
import { Backends } from "../backends/Backends.ts"
import { Deployer } from "../deploy/Deployer.ts"
import { HostMetrics } from "../health/HostMetrics.ts"
import { NginxHealth } from "../health/NginxHealth.ts"
import { Identity } from "../link/Identity.ts"
import { Link } from "../link/Link.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as ProcessTable from "../nginx/ProcessTable.ts"
import { Outbox } from "../outbox/Outbox.ts"

/** The gauges by their last word, each with its help. */
const gauges = {
  nxmesh_nginx_connections_active: "Connections that nginx has open (stub_status).",
  nxmesh_nginx_connections_reading: "Connections whose request nginx reads.",
  nxmesh_nginx_connections_writing: "Connections that nginx answers.",
  nxmesh_nginx_connections_waiting: "Idle keep-alive connections.",
  nxmesh_agent_uptime_seconds: "Seconds since the agent started.",
  nxmesh_agent_master_connection_status: "1 while a master is connected, else 0.",
  nxmesh_system_cpu_percent: "Percent of all CPUs in use since the last reading.",
  nxmesh_system_memory_used_bytes: "Memory in use, in bytes.",
  nxmesh_system_disk_used_bytes: "Disk in use on the data directory's file system, in bytes.",
  nxmesh_nginx_workers_draining: "Workers that still end requests of earlier configurations.",
  nxmesh_nginx_open_files: "Descriptors that nginx's processes hold.",
  nxmesh_nginx_open_files_max: "The least limit of descriptors that any of nginx's processes has.",
  nxmesh_agent_outbox_bytes: "Bytes of reports that wait for a master.",
  nxmesh_agent_backends_probed: "Servers of upstreams that have a health check.",
  nxmesh_agent_backends_down: "Servers of upstreams that are left out because their health check fails.",
  nxmesh_agent_names_unresolved: "Names of upstream servers that have never had an address."
} as const
type GaugeName = keyof typeof gauges

export class AgentMetrics extends Context.Service<
  AgentMetrics,
  {
    /** The exposition text, read from nginx and the machine now. */
    readonly text: Effect.Effect<string>
    /** Brings the registry up to date. */
    readonly gather: Effect.Effect<void>
    readonly contentType: string
  }
>()("@nxmesh/agent/metrics/AgentMetrics") {
  static readonly layer = Layer.effect(
    AgentMetrics,
    Effect.gen(function* () {
      const metrics = yield* Metrics
      const deployer = yield* Deployer
      const host = yield* HostMetrics
      const identity = yield* Identity
      const link = yield* Link
      const nginx = yield* NginxHealth
      const backends = yield* Backends
      const outbox = yield* Outbox
      const startedMillis = yield* Clock.currentTimeMillis

      const made = yield* Effect.forEach(Object.keys(gauges) as ReadonlyArray<GaugeName>, (name) =>
        Effect.map(
          metrics.gauge({ name, help: gauges[name], labelNames: ["agent_id"] }),
          (gauge) => [name, gauge] as const
        )
      )
      const byName = new Map(made)
      const requests = yield* metrics.counter({
        name: "nxmesh_nginx_requests_total",
        help: "Requests that nginx took since its master started.",
        labelNames: ["agent_id"]
      })
      const version = yield* metrics.gauge({
        name: "nxmesh_agent_config_version",
        help: "1 for the generation that nginx was proved to serve.",
        labelNames: ["agent_id", "version"]
      })

      const waiting = yield* metrics.gauge({
        name: "nxmesh_agent_outbox_reports",
        help: "Reports that wait for a master, by kind.",
        labelNames: ["agent_id", "kind"]
      })
      const dropped = yield* metrics.counter({
        name: "nxmesh_agent_outbox_dropped_total",
        help: "Reports that were dropped since the outbox began, by kind.",
        labelNames: ["agent_id", "kind"]
      })

      const gatherOutbox = Effect.fnUntraced(function* (agent_id: string) {
        const status = yield* outbox.status
        byName.get("nxmesh_agent_outbox_bytes")?.set({ agent_id }, status.bytes)
        dropped.reset()
        for (const kind of outboxKinds) {
          waiting.set({ agent_id, kind }, status.reports[kind])
          dropped.inc({ agent_id, kind }, status.dropped[kind])
        }
      })

      const gather = Effect.gen(function* () {
        const agent_id = (yield* identity.enrolled)?.agentId ?? ""
        const set = (name: GaugeName, value: number) => byName.get(name)?.set({ agent_id }, value)
        const { openFiles, status, stub } = yield* nginx.read
        yield* gatherOutbox(agent_id)
        const counts = yield* backends.counts
        set("nxmesh_agent_backends_probed", counts.probed)
        set("nxmesh_agent_backends_down", counts.unhealthy)
        set("nxmesh_agent_names_unresolved", counts.unresolved)
        const master = status.pid === null ? null : ProcessTable.identify(status.pid)
        set("nxmesh_nginx_workers_draining", master === null ? 0 : NginxProcess.drainingWorkers(master))
        set("nxmesh_nginx_open_files", openFiles?.open ?? 0)
        set("nxmesh_nginx_open_files_max", openFiles?.limit ?? 0)
        set("nxmesh_nginx_connections_active", stub?.activeConnections ?? 0)
        set("nxmesh_nginx_connections_reading", stub?.reading ?? 0)
        set("nxmesh_nginx_connections_writing", stub?.writing ?? 0)
        set("nxmesh_nginx_connections_waiting", stub?.waiting ?? 0)
        requests.reset()
        requests.inc({ agent_id }, stub?.requests ?? 0)
        set("nxmesh_agent_uptime_seconds", ((yield* Clock.currentTimeMillis) - startedMillis) / 1_000)
        set("nxmesh_agent_master_connection_status", (yield* link.state).phase === "READY" ? 1 : 0)
        version.reset()
        version.set({ agent_id, version: (yield* deployer.current).generation }, 1)
        const { cpuPercent, disk, memory } = yield* host.read
        set("nxmesh_system_cpu_percent", cpuPercent)
        set("nxmesh_system_memory_used_bytes", memory.usedBytes)
        set("nxmesh_system_disk_used_bytes", disk.usedBytes)
      })
      return AgentMetrics.of({
        text: Effect.andThen(gather, metrics.text),
        gather,
        contentType: metrics.contentType
      })
    })
  )
}
