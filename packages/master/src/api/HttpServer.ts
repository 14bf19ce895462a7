/** The master's HTTP server: the API, its documentation, probes and metrics behind one edge. */
import { createServer } from "node:http"
import { NodeHttpServer, NodeServices } from "@effect/platform-node"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import { ByteSize, Effect, Layer } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServer } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { AuthenticationLayer } from "../auth/Authentication.ts"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { layerAgents } from "./AgentsHandlers.ts"
import { layerAuth } from "./AuthHandlers.ts"
import { layerCertificates } from "./CertificatesHandlers.ts"
import { layerDeployments } from "./DeploymentsHandlers.ts"
import { layerHttpEdge } from "./HttpEdge.ts"
import { allRoutes, layerOperationsRoutes, openApiPath } from "./OperationsRoutes.ts"
import { layerOrganizations } from "./OrganizationsHandlers.ts"
import { layerRequestAttribution } from "./RequestRecord.ts"
import { makeRouteTable } from "./RouteTable.ts"
import { layerTemplates } from "./TemplatesHandlers.ts"
import { layerUpstreams } from "./UpstreamsHandlers.ts"
import { layerUsers } from "./UsersHandlers.ts"
import { layerVirtualHosts } from "./VirtualHostsHandlers.ts"
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
  layerUsers,
  layerAuth,
  layerWellKnown
).pipe(Layer.provide(Layer.merge(AuthenticationLayer, layerRequestAttribution)))

export const layerRoutes = Layer.mergeAll(
  HttpApiBuilder.layer(NxMeshApi, { openapiPath: openApiPath }).pipe(Layer.provide(layerGroups)),
  layerOperationsRoutes,
  layerHttpEdge(makeRouteTable(allRoutes))
)

const makeServer = () => {
  const server = createServer({
    maxHeaderSize: Limits.api.headerBytesMax,
    headersTimeout: Limits.api.headersTimeoutMillis,
    requestTimeout: Limits.api.requestTimeoutMillis,
    keepAliveTimeout: Limits.api.keepAliveTimeoutMillis
  })
  server.maxConnections = Limits.api.connectionsMax
  return server
}

/** Listens at the address of the settings. Stopping, it takes no more and lets what runs finish, within the drain's bound. */
const layerListener = Layer.unwrap(
  Effect.map(Settings, ({ httpAddress }) =>
    NodeHttpServer.layer(makeServer, { ...httpAddress, gracefulShutdownTimeout: Limits.api.drain })
  )
)

export const layerHttpServer = HttpRouter.serve(layerRoutes, { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(ProtocolLimits.requestBodyBytesMax))),
  Layer.provideMerge(layerListener),
  Layer.provide(NodeServices.layer)
)

/** Where it listens, once it does: a port of 0 has become a real one. */
export const listeningAt = Effect.map(HttpServer.HttpServer, ({ address }) => HttpServer.formatAddress(address))
