/** The whole REST API (MF-001): what the master serves, what clients are derived from, what OpenAPI documents. */
import { HttpApi, OpenApi } from "effect/http-api"
import { AccessLogsApi, GraphqlApi } from "./AccessLogsApi.ts"
import { AgentsApi } from "./AgentsApi.ts"
import { AlertRulesApi } from "./AlertRulesApi.ts"
import { AlertSilencesApi } from "./AlertSilencesApi.ts"
import { AlertsApi } from "./AlertsApi.ts"
import { AuditApi } from "./AuditApi.ts"
import { AuthApi } from "./AuthApi.ts"
import { CertificatesApi } from "./CertificatesApi.ts"
import { ClusterApi } from "./ClusterApi.ts"
import { DeploymentsApi } from "./DeploymentsApi.ts"
import { ErrorLogsApi } from "./ErrorLogsApi.ts"
import { KeysApi } from "./KeysApi.ts"
import { OrganizationsApi } from "./OrganizationsApi.ts"
import { SettingsApi } from "./SettingsApi.ts"
import { PasswordsApi } from "./PasswordsApi.ts"
import { ServiceAccountsApi } from "./ServiceAccountsApi.ts"
import { GroupsApi } from "./GroupsApi.ts"
import { RoleBindingsApi } from "./RoleBindingsApi.ts"
import { RolesApi } from "./RolesApi.ts"
import { TelemetryApi } from "./TelemetryApi.ts"
import { SessionsApi } from "./SessionsApi.ts"
import { TemplatesApi } from "./TemplatesApi.ts"
import { UpstreamsApi } from "./UpstreamsApi.ts"
import { UsersApi } from "./UsersApi.ts"
import { VirtualHostsApi } from "./VirtualHostsApi.ts"
import { WatchApi } from "./WatchApi.ts"
import { WebhooksApi } from "./WebhooksApi.ts"
import { WellKnownApi } from "./WellKnownApi.ts"
import { WorkspacesApi } from "./WorkspacesApi.ts"

/** Every problem at once, and no field that the schema does not know. */
const strict = { errors: "all", onExcessProperty: "error" } as const

export class NxMeshApi extends HttpApi.make("nxmesh")
  .add(
    OrganizationsApi,
    WorkspacesApi,
    AgentsApi,
    VirtualHostsApi,
    UpstreamsApi,
    CertificatesApi,
    TemplatesApi,
    DeploymentsApi,
    UsersApi,
    RolesApi,
    GroupsApi,
    RoleBindingsApi,
    ServiceAccountsApi,
    SessionsApi,
    PasswordsApi,
    ClusterApi,
    AuditApi,
    KeysApi,
    AlertsApi,
    AlertRulesApi,
    AlertSilencesApi,
    WebhooksApi,
    SettingsApi,
    AuthApi,
    WatchApi,
    AccessLogsApi,
    ErrorLogsApi,
    TelemetryApi,
    GraphqlApi
  )
  .prefix("/api/v1")
  .add(WellKnownApi)
  .annotate(HttpApi.PayloadParseOptions, strict)
  .annotate(HttpApi.QueryParseOptions, strict)
  .annotateMerge(
    OpenApi.annotations({
      title: "NxMesh",
      version: "1",
      description:
        "The control plane of nginx fleets. Sign in with `POST /api/v1/auth/login` and send the access token as a bearer token. " +
        "`x-permission` of an operation names the permission that it needs. " +
        "Any master answers any request, and sees all that was acknowledged before, by whichever master. A GET with `consistency=stale` " +
        "answers what the master has, which works without a quorum too; `min_index=<n>` waits until it has entry n of the log, as in the " +
        "header `x-nxmesh-index` of an answer.",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" }
    })
  ) {}
