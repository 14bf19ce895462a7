/** The agent: one layer graph, and what runs in it: the link brings tasks, the deployer does them, reports go back. */
import { hostname } from "node:os"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { layerTracingMetrics } from "@nxmesh/core/observe/Tracing"
import type { AgentFacts } from "@nxmesh/protocol/model/Agent"
import { Effect, Layer, Result } from "effect"
import { AlertBoard } from "./alerts/AlertBoard.ts"
import { Backends } from "./backends/Backends.ts"
import * as Refresh from "./backends/Refresh.ts"
import * as BundleCache from "./cache/BundleCache.ts"
import { restore } from "./cache/Restore.ts"
import { Deployer } from "./deploy/Deployer.ts"
import * as DeploymentLayer from "./deploy/DeploymentLayer.ts"
import { DriftOffers } from "./drift/DriftOffers.ts"
import { DriftWatch } from "./drift/DriftWatch.ts"
import { HealthReporter } from "./health/HealthReporter.ts"
import { HostMetrics } from "./health/HostMetrics.ts"
import { NginxHealth } from "./health/NginxHealth.ts"
import { islandHandlers } from "./link/Island.ts"
import { Identity } from "./link/Identity.ts"
import { Link } from "./link/Link.ts"
import type { LinkHandlers } from "./link/LinkHandlers.ts"
import { LinkSettings } from "./link/LinkSettings.ts"
import { masterUrl } from "./link/MasterUrl.ts"
import { Outcomes } from "./link/Outcomes.ts"
import { Tasks } from "./link/Tasks.ts"
import { ActionMemory } from "./lifecycle/ActionMemory.ts"
import { AgentActions } from "./lifecycle/AgentActions.ts"
import * as LogsLayer from "./logs/LogsLayer.ts"
import { AgentMetrics } from "./metrics/AgentMetrics.ts"
import * as DeploymentMetrics from "./metrics/DeploymentMetrics.ts"
import * as LinkMetrics from "./metrics/LinkMetrics.ts"
import * as MetricsReporter from "./metrics/MetricsReporter.ts"
import * as StatsdOutput from "./metrics/StatsdOutput.ts"
import { MetricsServer } from "./metrics/MetricsServer.ts"
import * as Detection from "./modes/Detection.ts"
import { capabilityNames } from "./modes/ModeCapabilities.ts"
import { NginxFacts } from "./nginx/NginxFacts.ts"
import { NginxInstance } from "./nginx/NginxInstance.ts"
import { Outbox } from "./outbox/Outbox.ts"
import { CurrentPolicy } from "./policy/CurrentPolicy.ts"
import { Preflight } from "./preflight/Preflight.ts"
import { SiteCheck } from "./probe/SiteCheck.ts"
import { Settings } from "./Settings.ts"
import { agentVersion } from "./Version.ts"
import * as Watchdog from "./watchdog/Watchdog.ts"

/** What this agent can do beyond the first version of the link, beside what it can do with its nginx. */
const capabilities = ["delta", "key_rotation"] as const

/** What the agent says of itself. Without an nginx to ask, it says so: the master renders for none. */
const facts = Effect.gen(function* (): Effect.fn.Return<AgentFacts, never, NginxFacts | NginxInstance | Settings> {
  const { deploymentMode, labels } = yield* Settings
  const mode = yield* Detection.capabilities(yield* NginxInstance, deploymentMode)
  const nginxFacts = yield* NginxFacts
  const nginx = yield* nginxFacts.capabilities.pipe(
    Effect.catch((error) => Effect.as(Effect.logWarning(`cannot ask nginx what it can do: ${error.message}`), null))
  )
  return {
    hostname: hostname().slice(0, 253),
    version: agentVersion,
    deployment_mode: deploymentMode,
    nginx,
    capabilities: [...capabilities, ...capabilityNames(mode)],
    ...(Object.keys(labels).length === 0 ? {} : { labels })
  }
})

/** Runs until it is interrupted. Nothing here needs a master for nginx to keep serving. */
const run = Effect.gen(function* () {
  const deployer = yield* Deployer
  const health = yield* HealthReporter
  const link = yield* Link
  const outcomes = yield* Outcomes
  const tasks = yield* Tasks
  const { masterUrls } = yield* Settings
  const context = yield* Effect.context<NginxFacts | NginxInstance | Settings>()
  // A lost configuration comes back from the cache. The journal keeps the last outcome, so one that no master heard of
  // before a restart is told now.
  const last = (yield* restore) ?? deployer.recovered.outcome ?? (yield* deployer.lastOutcome)
  if (last !== null) yield* outcomes.add(last)
  const handlers: LinkHandlers = {
    registration: Effect.gen(function* () {
      const { generation } = yield* deployer.current
      return { facts: yield* facts, highest_order: yield* deployer.order, serving: generation }
    }).pipe(Effect.provideContext(context)),
    have: tasks.have,
    task: tasks.offer,
    health: health.reports,
    ...(yield* islandHandlers(health.reports)),
    perform: (yield* AgentActions).perform,
    policy: (yield* CurrentPolicy).set,
    drift: yield* DriftOffers
  }
  if (masterUrls.length === 0) {
    yield* Effect.logWarning("no master is set (NXMESH_MASTER_URL): serving the last good configuration")
    return yield* Effect.never
  }
  const enrolled = yield* (yield* Identity).enrolled
  return yield* Effect.raceFirst(link.run(handlers), tasks.run).pipe(
    Effect.annotateLogs(enrolled === null ? {} : { agent_id: enrolled.agentId }),
    Effect.annotateSpans(enrolled === null ? {} : { "nxmesh.agent_id": enrolled.agentId })
  )
})

const linkSettings = Layer.effect(
  LinkSettings,
  Effect.map(Settings, ({ agentToken, caFingerprint, masterUrls }) => ({
    urls: masterUrls.map(masterUrl).flatMap((url) => (Result.isSuccess(url) ? [url.success] : [])),
    token: agentToken,
    caFingerprint
  }))
)
const identity = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => Identity.layer(dataDirectory)))
const cache = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => BundleCache.layer(dataDirectory))).pipe(
  Layer.provide(Identifiers.layer)
)
const policy = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => CurrentPolicy.layer(dataDirectory)))
const outbox = Layer.unwrap(
  Effect.map(Settings, ({ dataDirectory, masterUrls, outboxMegabytesMax }) =>
    Outbox.layer({ dataDirectory, bytesMax: outboxMegabytesMax * 1_048_576, isUsed: masterUrls.length > 0 })
  )
)
const host = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => HostMetrics.layer(dataDirectory)))

const LinkLayer = Tasks.layer.pipe(
  Layer.provideMerge(Link.layer),
  Layer.provideMerge(Layer.mergeAll(identity, linkSettings, Outcomes.layer))
)
const backends = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => Backends.layer(dataDirectory)))
const drift = Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => DriftWatch.layer(dataDirectory))).pipe(
  Layer.provideMerge(DriftOffers.layer)
)
const HealthLayer = HealthReporter.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(NginxHealth.layer, SiteCheck.layer, backends, host, drift))
)

const actions = AgentActions.layer.pipe(
  Layer.provide(Layer.unwrap(Effect.map(Settings, ({ dataDirectory }) => ActionMemory.layer(dataDirectory)))),
  Layer.provide(Preflight.layer)
)

const telemetry = Layer.mergeAll(
  MetricsServer,
  layerTracingMetrics("agent"),
  MetricsReporter.layer,
  LinkMetrics.layer,
  LogsLayer.layer,
  StatsdOutput.layer
)

const AgentLayer = Layer.mergeAll(telemetry, Refresh.layer, actions, Watchdog.layer).pipe(
  Layer.provideMerge(AgentMetrics.layer),
  Layer.provideMerge(Layer.mergeAll(LinkLayer, HealthLayer)),
  // Above the deployments: these hold the lock by which one process has the data directory.
  Layer.provideMerge(outbox),
  Layer.provideMerge(DeploymentLayer.layer),
  Layer.provideMerge(DeploymentMetrics.layer),
  Layer.provideMerge(Layer.mergeAll(policy, cache, AlertBoard.layer, Metrics.layer))
)

/**
 * The agent. Needs `Settings` alone. A defect ends it, for whatever runs it to start it again: its nginx serves on, and
 * the journal knows where it was.
 */
export const runAgent = run.pipe(Effect.provide(AgentLayer))
