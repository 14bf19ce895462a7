/** A whole master without agents and without others: real log, real state, real HTTP on a port of the system's choice, in a directory of its own. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type AgentId, MasterId } from "@nxmesh/protocol/Ids"
import { layerJsonLogger } from "@nxmesh/core/observe/JsonLogger"
import { Context, Effect, Layer, Redacted, Result } from "effect"
import { HttpServer } from "effect/http"
import { layerHttpServer } from "../../../src/api/HttpServer.ts"
import { LiveAgents } from "../../../src/api/LiveAgents.ts"
import { SessionUnavailable } from "../../../src/agents/SessionRouter.ts"
import { Warnings } from "../../../src/cluster/Warnings.ts"
import { Commands } from "../../../src/command/Commands.ts"
import { NodeIdentity } from "../../../src/consensus/NodeIdentity.ts"
import { layerControlOver } from "../../../src/Master.ts"
import { Readiness } from "../../../src/observe/Readiness.ts"
import { Reads } from "../../../src/state/Reads.ts"
import { readSettings } from "@nxmesh/core/settings/ReadSettings"
import { AccessLogs } from "../../../src/telemetry/accessLogs/AccessLogs.ts"
import { layerTailedTelemetry, LogTails } from "../../../src/telemetry/accessLogs/LogTails.ts"
import { layerSqliteTelemetry } from "../../../src/telemetry/sqlite/SqliteTelemetry.ts"
import { TelemetryHistory } from "../../../src/telemetry/history/TelemetryHistory.ts"
import { TelemetryGather, TelemetryPeers } from "../../../src/telemetry/TelemetryGather.ts"
import { definitions, Settings } from "../../../src/Settings.ts"
import { layerFakeCluster } from "./FakeCluster.ts"
import { layerLocalRaft } from "../../state/LocalRaft.ts"

export const adminEmail = "admin@example.com"
export const adminPassword = "correct horse battery"

const directory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "nxmesh-api-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
)

/** Lines that the master logged. */
export class TestLog extends Context.Service<TestLog, { readonly lines: ReadonlyArray<string> }>()("test/TestLog") {}

export class TestMaster extends Context.Service<
  TestMaster,
  { readonly origin: string; readonly dataDirectory: string }
>()("test/TestMaster") {}

const layerSettings = Layer.effect(
  Settings,
  Effect.map(directory, (dataDirectory) =>
    Settings.of({
      ...Result.getOrThrow(readSettings(definitions, {}, null)),
      httpAddress: { host: "127.0.0.1", port: 0 },
      agentAddress: { host: "0.0.0.0", port: 8443 },
      peerAddress: { host: "127.0.0.1", port: 0 },
      dataDirectory,
      nodeName: "m1",
      trustedProxies: [{ address: "127.0.0.1", prefix: 32 }],
      adminEmail,
      adminPassword: Redacted.make(adminPassword),
      tracesEndpoint: null,
      tracesRatio: null,
      logLevel: "Debug"
    })
  )
)

/** An agent with this label makes the handler fail in a way that nobody expects. */
export const defectiveLabel = "defect"

const notConnected = (agentId: AgentId) =>
  Effect.fail(new SessionUnavailable({ agentId, reason: "NotConnected", message: "it is not connected" }))

const layerNoAgents = Layer.effect(
  LiveAgents,
  Effect.map(Reads, (reads) =>
    LiveAgents.of({
      presence: () => Effect.succeed(undefined),
      deployAgain: (agentId) =>
        Effect.flatMap(reads.get("agent", agentId), (agent) =>
          agent !== undefined && defectiveLabel in agent.labels
            ? Effect.die(new Error("planted defect at /secret/place"))
            : Effect.succeed(false)
        ),
      actionProblem: notConnected,
      outcome: reads.action,
      preflight: notConnected
    })
  )
)

const layerAlone = Layer.unwrap(
  Effect.map(NodeIdentity, ({ nodeId }) => TelemetryPeers.layerNone(MasterId.make(nodeId)))
)

/** The embedded store, of a master without others. */
const layerTelemetry = Layer.mergeAll(
  AccessLogs.layer,
  layerTailedTelemetry,
  TelemetryHistory.layer.pipe(Layer.provide(layerAlone))
).pipe(
  Layer.provideMerge(LogTails.layer),
  Layer.provideMerge(TelemetryGather.layer.pipe(Layer.provide(layerAlone))),
  Layer.provideMerge(layerSqliteTelemetry),
  Layer.provide(Warnings.layer)
)

const layerServer = Layer.effect(
  TestMaster,
  Effect.gen(function* () {
    const { dataDirectory } = yield* Settings
    const server = yield* HttpServer.HttpServer
    return TestMaster.of({ origin: HttpServer.formatAddress(server.address), dataDirectory })
  })
).pipe(Layer.provide(layerHttpServer))

export const layerTestMasterOver = <R = never>(
  raft: typeof layerLocalRaft,
  agents: Layer.Layer<LiveAgents, never, Reads | Commands | R> = layerNoAgents
) =>
  Layer.unwrap(
    Effect.sync(() => {
      const lines: Array<string> = []
      return layerServer.pipe(
        Layer.provide(agents),
        Layer.provide(Readiness.layer([])),
        Layer.provideMerge(layerFakeCluster),
        Layer.provideMerge(layerTelemetry),
        Layer.provideMerge(layerControlOver(raft)),
        Layer.provideMerge(layerSettings),
        Layer.provideMerge(Layer.succeed(TestLog, { lines })),
        Layer.provide(
          layerJsonLogger({ component: "master", minimumLevel: "Debug", write: (line) => void lines.push(line) })
        )
      )
    })
  )

export const layerTestMaster = layerTestMasterOver(layerLocalRaft)
