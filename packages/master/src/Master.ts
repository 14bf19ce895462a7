/** The one layer graph of the master. Starting builds it from below; stopping releases it from above. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { layerProcessMetrics } from "@nxmesh/core/observe/ProcessMetrics"
import { layerTracingMetrics } from "@nxmesh/core/observe/Tracing"
import { addressText, listensEverywhere } from "@nxmesh/core/settings/SettingValues"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { layerAgentGateway } from "./agents/AgentGatewayLayer.ts"
import { layerClusterAgents } from "./agents/ClusterAgents.ts"
import { masterAddresses } from "./agents/MasterAddresses.ts"
import { layerAuditRetention } from "./audit/RetentionTask.ts"
import { layerMasterList } from "./agents/MasterList.ts"
import { layerAlerting } from "./alerting/Alerting.ts"
import { layerLiveAgents } from "./api/LiveAgentsLayer.ts"
import { originOf } from "./api/AdvertisedApi.ts"
import { layerHttpServer } from "./api/HttpServer.ts"
import { docsPath } from "./api/OperationsRoutes.ts"
import { ApiKeyUses } from "./auth/ApiKeyUses.ts"
import { LoginGate } from "./auth/LoginGate.ts"
import { PasswordRules } from "./auth/PasswordRules.ts"
import { Passwords } from "./auth/Passwords.ts"
import { Sessions } from "./auth/Sessions.ts"
import { Tokens } from "./auth/Tokens.ts"
import { ServerCertificates } from "./cluster/ServerCertificates.ts"
import { layerKeysTask } from "./keys/KeysTask.ts"
import { layerSealingKeyWatch } from "./keys/SealingKeyWatch.ts"
import { AgentServer } from "./link/AgentServer.ts"
import { allowedAddresses } from "./link/AllowedAddresses.ts"
import { AgentServerSettings } from "./link/AgentServerSettings.ts"
import { LinkMetrics } from "./link/LinkMetrics.ts"
import { StoredDirectory } from "./link/StoredDirectory.ts"
import { Readiness } from "./observe/Readiness.ts"
import { expectedChecks, layerReadinessChecks } from "./observe/ReadinessChecks.ts"
import { layerSampleRatio } from "./observe/SampleRatio.ts"
import { Settings, type SettingsShape } from "./Settings.ts"
import { BootstrapLayer } from "./cluster/Bootstrap.ts"
import { describeWhenChanged } from "./cluster/DescribeMaster.ts"
import { Disk } from "./cluster/Disk.ts"
import { layerClusterParts } from "./cluster/ClusterParts.ts"
import { layerOwnStatus } from "./cluster/LiveOwnStatus.ts"
import { layerRememberMasters } from "./cluster/RememberMasters.ts"
import { Warnings } from "./cluster/Warnings.ts"
import { Commands } from "./command/Commands.ts"
import { ReadBarrier } from "./command/ReadBarrier.ts"
import { WriteGate } from "./command/WriteGate.ts"
import { describeMaster } from "./consensus/Description.ts"
import { layerIdentity } from "./consensus/IdentityLayer.ts"
import { layerMasterRaft } from "./consensus/MasterRaft.ts"
import { NodeIdentity } from "./consensus/NodeIdentity.ts"
import { layerRejoinPrepared } from "./consensus/PrepareRejoin.ts"
import { layerWholeDirectory } from "./consensus/RecoveryMark.ts"
import { ConfigEngine } from "./config/ConfigEngine.ts"
import { layerDriftAcceptance } from "./drift/DriftAcceptance.ts"
import { layerJoinCluster } from "./joining/JoinClusterLayer.ts"
import { Admission } from "./peer/Admission.ts"
import { PeerClient } from "./peer/PeerClient.ts"
import { PeerServer } from "./peer/PeerServer.ts"
import { layerTelemetryPeers } from "./peer/TelemetryPeersLayer.ts"
import { RateLimiter } from "./network/RateLimiter.ts"
import { Redis } from "./redis/Redis.ts"
import { layerRedisWatch } from "./redis/RedisWatch.ts"
import { InstallationSettings } from "./settings/InstallationSettings.ts"
import { Secrets } from "./secrets/Secrets.ts"
import { Database } from "./state/Database.ts"
import { DataDirectory } from "./state/DataDirectory.ts"
import { Events } from "./state/Events.ts"
import { Reads } from "./state/Reads.ts"
import { ReplicatedState } from "./state/ReplicatedState.ts"
import { AccessLogs } from "./telemetry/accessLogs/AccessLogs.ts"
import { layerTailedTelemetry, LogTails } from "./telemetry/accessLogs/LogTails.ts"
import { layerPostgresTelemetry } from "./telemetry/postgres/PostgresTelemetry.ts"
import { layerSqliteTelemetry } from "./telemetry/sqlite/SqliteTelemetry.ts"
import { TelemetryHistory } from "./telemetry/history/TelemetryHistory.ts"
import { TelemetryGather } from "./telemetry/TelemetryGather.ts"
import { version } from "./Version.ts"

const layerGround = Layer.mergeAll(Events.layer, Database.layerNoDeps).pipe(
  Layer.provideMerge(layerRejoinPrepared),
  Layer.provideMerge(layerWholeDirectory),
  Layer.provideMerge(DataDirectory.layer),
  Layer.provideMerge(Layer.mergeAll(Identifiers.layer, Metrics.layer, Secrets.layer))
)

/** What holds for the whole installation, and how often anybody may ask. */
const layerInstallation = RateLimiter.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(InstallationSettings.layer, Redis.layer))
)

/** The state, and who this master is: what Raft needs before it starts. */
const layerBeforeRaft = Layer.mergeAll(layerIdentity, layerInstallation).pipe(
  Layer.provide(layerJoinCluster),
  Layer.provideMerge(Layer.mergeAll(ReplicatedState.layer, Reads.layer, WriteGate.layer)),
  Layer.provideMerge(layerGround)
)

/** What this cluster is, and who people are. */
const layerPeople = Sessions.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(LoginGate.layer, ApiKeyUses.layer, PasswordRules.layer)),
  Layer.provideMerge(Tokens.layer),
  Layer.provideMerge(BootstrapLayer),
  Layer.provideMerge(Passwords.layer)
)

/** Everything that decides, and nothing that listens, but for Raft. */
export const layerControlOver = <E, R>(raft: Layer.Layer<RaftNode, E, R>) =>
  Layer.mergeAll(
    ConfigEngine.layer,
    layerPeople,
    layerProcessMetrics("master", version),
    layerTracingMetrics("master"),
    layerSampleRatio
  ).pipe(
    Layer.provideMerge(Layer.mergeAll(Commands.layer, ReadBarrier.layer)),
    Layer.provideMerge(raft),
    Layer.provideMerge(layerBeforeRaft)
  )

export const layerControl = layerControlOver(layerMasterRaft)

/** Where agents are told to find this master: by its name, when it has one that means something elsewhere. */
const masters = ({ advertiseAgent, agentAddress }: SettingsShape): ReadonlyArray<string> => {
  if (advertiseAgent !== null) return [addressText(advertiseAgent)]
  return listensEverywhere(agentAddress) || agentAddress.port === 0 ? [] : [addressText(agentAddress)]
}

const layerAgentServerSettings = Layer.effect(
  AgentServerSettings,
  Effect.gen(function* () {
    const settings = yield* Settings
    const reads = yield* Reads
    const { current, renewals } = yield* ServerCertificates
    const { handler } = yield* PeerServer
    return AgentServerSettings.of({
      ...settings.agentAddress,
      masters: Effect.map(reads.masters, (all) => masterAddresses(all, masters(settings))),
      certificate: current,
      renewals,
      peer: handler,
      allowed: allowedAddresses(yield* InstallationSettings)
    })
  })
)

/** How this master and the others ask each other. */
const layerPeers = Layer.mergeAll(layerOwnStatus, PeerClient.layerAskMaster).pipe(
  Layer.provideMerge(Layer.mergeAll(PeerClient.layer, Disk.layer, Warnings.layer))
)

const layerPeerServer = PeerServer.layer.pipe(Layer.provide(Admission.layer))

const layerLink = layerMasterList.pipe(
  Layer.provideMerge(AgentServer.layer),
  Layer.provide([
    layerAgentServerSettings.pipe(Layer.provide(layerPeerServer)),
    layerAgentGateway,
    layerDriftAcceptance,
    StoredDirectory,
    LinkMetrics.layer
  ]),
  Layer.provide(ServerCertificates.layer)
)

/** What the fleet tells: the store, and questions to all masters that keep some. */
const layerTelemetry = Layer.mergeAll(AccessLogs.layer, TelemetryHistory.layer, layerTailedTelemetry).pipe(
  Layer.provideMerge(LogTails.layer),
  Layer.provideMerge(TelemetryGather.layer),
  Layer.provideMerge(layerTelemetryPeers),
  Layer.provideMerge(
    Layer.unwrap(
      Effect.map(Settings, ({ databaseUrl }) =>
        databaseUrl === null ? layerSqliteTelemetry : layerPostgresTelemetry(databaseUrl)
      )
    )
  )
)

const layerAnnouncement = Layer.effectDiscard(
  Effect.gen(function* () {
    const { advertiseHttp, tlsCertificateFile } = yield* Settings
    const isTls = tlsCertificateFile !== null
    const address = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
    const listening = isTls ? address.replace(/^http:/, "https:") : address
    const http = advertiseHttp === null ? listening : originOf(advertiseHttp, isTls)
    const agents = yield* AgentServer
    yield* Effect.logInfo("the master is ready", {
      version,
      api: http,
      docs: `${http}${docsPath}`,
      listening,
      agents: `wss://${addressText(agents)}`
    })
  })
)

/** By the ports that it listens on, once it does. */
const layerDescription = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* Commands.use(({ caughtUp }) => caughtUp)
    const { address } = yield* HttpServer.HttpServer
    const { nodeId } = yield* NodeIdentity
    const ports = {
      agent: (yield* AgentServer).port,
      peer: (yield* RaftNode).address.port,
      ...("port" in address ? { http: address.port } : {})
    }
    yield* describeWhenChanged(describeMaster(yield* Settings, nodeId, ports))
  }).pipe(Effect.forkScoped)
)

/** The whole program, but for the settings and the logger. */
export const layerMaster = Layer.mergeAll(
  layerAnnouncement,
  layerDescription,
  layerRememberMasters,
  layerAlerting,
  layerRedisWatch,
  layerAuditRetention,
  layerKeysTask,
  layerSealingKeyWatch
).pipe(
  Layer.provideMerge(layerHttpServer),
  Layer.provideMerge(layerReadinessChecks),
  Layer.provideMerge(layerLink),
  Layer.provideMerge(layerTelemetry),
  Layer.provideMerge(layerLiveAgents),
  Layer.provideMerge(layerClusterAgents),
  Layer.provideMerge(Readiness.layer(expectedChecks)),
  Layer.provideMerge(layerClusterParts),
  Layer.provideMerge(layerPeers),
  Layer.provideMerge(layerControl)
)
