/** The master's HTTP server: the API, its documentation, probes and metrics behind one edge. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import { ByteSize, Effect, Layer } from "effect"
import { HttpIncomingMessage, HttpMiddleware, HttpRouter } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AuthenticationLayer } from "../auth/Authentication.ts"
import { Backups } from "../backup/Backups.ts"
import { layerConsole } from "../console/ConsoleRoute.ts"
import { layerLiveRoute } from "./live/LiveRoute.ts"
import { Settings } from "../Settings.ts"
import { advertisedApi } from "./AdvertisedApi.ts"
import { layerAccessLogs } from "./AccessLogsHandlers.ts"
import { layerAgents } from "./AgentsHandlers.ts"
import { layerAlertRules } from "./AlertRulesHandlers.ts"
import { layerAlerts } from "./AlertsHandlers.ts"
import { layerAlertSilences } from "./AlertSilencesHandlers.ts"
import { layerAuth } from "./AuthHandlers.ts"
import { layerCertificates } from "./CertificatesHandlers.ts"
import { ChangeTurns } from "./ChangeTurns.ts"
import { layerAudit } from "./AuditHandlers.ts"
import { layerCluster } from "./ClusterHandlers.ts"
import { layerDeployments } from "./DeploymentsHandlers.ts"
import { layerErrorLogs } from "./ErrorLogsHandlers.ts"
import { layerGraphql } from "./GraphqlHandlers.ts"
import { layerHttpEdge } from "./HttpEdge.ts"
import { layerListening } from "./Listener.ts"
import { allRoutes, layerOperationsRoutes, openApiPath } from "./OperationsRoutes.ts"
import { layerKeys } from "./KeysHandlers.ts"
import { layerOrganizations } from "./OrganizationsHandlers.ts"
import { layerRequestAttribution } from "./RequestRecord.ts"
import { makeRouteTable } from "./RouteTable.ts"
import { layerSettings } from "./SettingsHandlers.ts"
import { layerPasswords } from "./PasswordsHandlers.ts"
import { layerServiceAccounts } from "./ServiceAccountsHandlers.ts"
import { layerUserGroups } from "./GroupsHandlers.ts"
import { layerRoleBindings } from "./RoleBindingsHandlers.ts"
import { layerRoles } from "./RolesHandlers.ts"
import { layerTelemetryApi } from "./TelemetryHandlers.ts"
import { layerSessions } from "./SessionsHandlers.ts"
import { layerTemplates } from "./TemplatesHandlers.ts"
import { layerUpstreams } from "./UpstreamsHandlers.ts"
import { layerUsers } from "./UsersHandlers.ts"
import { layerVirtualHosts } from "./VirtualHostsHandlers.ts"
import { layerWatch } from "./WatchHandlers.ts"
import { layerWebhooks } from "./WebhooksHandlers.ts"
import { layerWellKnown } from "./WellKnownHandlers.ts"
import { layerWorkspaces } from "./WorkspacesHandlers.ts"

const layerGroups = Layer.mergeAll(
  layerOrganizations,
  layerWorkspaces,
  layerAgents,
  layerVirtualHosts,
  layerUpstreams,
  layerCertificates,
  layerTemplates,
  layerDeployments,
  layerAlerts,
  layerAlertRules,
  layerAlertSilences,
  layerWebhooks,
  layerUsers,
  layerRoles,
  layerUserGroups,
  layerRoleBindings,
  layerServiceAccounts,
  layerSessions,
  layerPasswords,
  layerAudit,
  layerKeys,
  layerCluster.pipe(Layer.provide(Backups.layer)),
  layerSettings,
  layerAuth,
  layerWatch,
  layerAccessLogs,
  layerErrorLogs,
  layerTelemetryApi,
  layerGraphql,
  layerWellKnown
).pipe(Layer.provide(Layer.merge(AuthenticationLayer, layerRequestAttribution)))

const layerApi = Layer.unwrap(
  Effect.map(Settings, (settings) => HttpApiBuilder.layer(advertisedApi(settings), { openapiPath: openApiPath }))
)

export const layerRoutes = Layer.mergeAll(
  layerApi.pipe(Layer.provide(layerGroups)),
  layerOperationsRoutes,
  layerLiveRoute,
  layerConsole,
  layerHttpEdge(makeRouteTable(allRoutes))
)

export const layerHttpServer = layerListening(
  HttpRouter.serve(layerRoutes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(ChangeTurns.layer),
    // The edge makes the span of a request: named by its route, and without what its headers and address tell.
    Layer.provide(Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)),
    Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(ProtocolLimits.requestBodyBytesMax)))
  )
).pipe(Layer.provide(NodeServices.layer))
