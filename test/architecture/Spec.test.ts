import { assert, describe, it } from "@effect/vitest"
import { logRecord } from "@nxmesh/core/observe/LogRecord"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { PageLinks, PageMeta } from "@nxmesh/protocol/api/Envelope"
import { HealthReport, NginxStatus, SystemMetrics } from "@nxmesh/protocol/model/Health"
import { Agent, AgentState, DeploymentMode } from "@nxmesh/protocol/model/Agent"
import { AgentSelector } from "@nxmesh/protocol/model/AgentSelector"
import {
  Certificate,
  CertificateCreate,
  CertificateProvider,
  CertificateStatus
} from "@nxmesh/protocol/model/Certificate"
import { ConfigVersion } from "@nxmesh/protocol/model/ConfigVersion"
import { CustomRole } from "@nxmesh/protocol/model/Role"
import { Organization, OrganizationSettings, Workspace } from "@nxmesh/protocol/model/Organization"
import { Permission, Role, rolePermissions } from "@nxmesh/protocol/model/Permission"
import { builtInTemplateNames } from "@nxmesh/protocol/model/Template"
import { LoadBalanceAlgorithm, Upstream, UpstreamServer } from "@nxmesh/protocol/model/Upstream"
import { Location, VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { AccessLogRow } from "@nxmesh/protocol/model/AccessLogRow"
import { logSchema } from "@nxmesh/master/graphql/LogSchema"
import { ErrorDetail, Rejection } from "@nxmesh/protocol/Rejection"
import { Cause } from "effect"
import { OpenApi } from "effect/http-api"
import { assertNone } from "./Planted.ts"
import { filesEnding, isProductSource } from "./rules/Repository.ts"
import { missingRows, repeatedRows } from "./rules/SpecSurface.ts"
import type { Surface } from "./rules/SpecSurface.ts"
import { specTable } from "./SpecTable.ts"
import type { SpecRow } from "./SpecTable.ts"

const structs = {
  Role: CustomRole,
  Organization,
  OrganizationSettings,
  Workspace,
  Agent,
  HealthReport,
  NginxStatus,
  SystemMetrics,
  VirtualHost,
  Location,
  Upstream,
  UpstreamServer,
  Certificate,
  CertificateCreate,
  ConfigVersion,
  AccessLogEntry: AccessLogRow,
  PageMeta,
  PageLinks,
  Error: Rejection,
  ErrorDetail
}

const literals: Readonly<Record<string, ReadonlyArray<string>>> = {
  AgentState: AgentState.literals,
  DeploymentMode: DeploymentMode.literals,
  AgentSelector: AgentSelector.members.map((member) => member.fields.scope.literal),
  CertificateProvider: CertificateProvider.literals,
  CertificateStatus: CertificateStatus.literals,
  LoadBalanceAlgorithm: LoadBalanceAlgorithm.literals,
  BuiltInTemplate: builtInTemplateNames
}

const prefixed = (prefix: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.map((name) => `${prefix}.${name}`)

const logged = (level: "Error" | "Warn" | "Info" | "Debug" | "Trace") =>
  logRecord({
    date: new Date(0),
    level,
    message: ["a"],
    cause: Cause.empty,
    annotations: { agent_id: "a" },
    span: { traceId: "a", spanId: "b" },
    component: "agent"
  })

const roles = Role.literals.flatMap((role) => [
  ...rolePermissions[role].map((permission) => `${role}:${permission}`),
  ...(Permission.literals.every((permission) => rolePermissions[role].includes(permission)) ? [`${role}:*:*`] : [])
])

const surface: Surface = {
  endpoints: new Set([
    ...Object.entries(OpenApi.fromApi(NxMeshApi).paths).flatMap(([path, item]) =>
      Object.keys(item ?? {}).map((method) => `${method.toUpperCase()} ${path}`)
    ),
    ...Object.keys(logSchema.getQueryType()?.getFields() ?? {}).map((name) => `GraphQL ${name}`)
  ]),
  fields: new Set([
    ...Object.entries(structs).flatMap(([name, struct]) => prefixed(name, Object.keys(struct.fields))),
    ...prefixed("LogRecord", Object.keys(logged("Info")))
  ]),
  values: new Set([
    ...Object.entries(literals).flatMap(([name, members]) => prefixed(name, members)),
    ...(["Error", "Warn", "Info", "Debug", "Trace"] as const).map((level) => `LogLevel.${logged(level).level}`)
  ]),
  permissions: new Set([...Permission.literals, ...roles]),
  sources: filesEnding(".ts", ".tsx")
    .filter(({ path }) => isProductSource(path))
    .map(({ text }) => text)
    .join("\n")
}

const nothing: Surface = {
  endpoints: new Set(),
  fields: new Set(),
  values: new Set(),
  permissions: new Set(),
  sources: ""
}

/** A row taken out of the table is a requirement dropped: write the ADR that says so, then change this number. */
const rowCount = 259

describe("the specification's table", () => {
  const row = (kind: SpecRow["kind"], when: SpecRow["when"]): SpecRow => ({ source: "CF-001", kind, name: "a", when })

  it("misses a row of any kind that the code does not have", () => {
    for (const kind of ["endpoint", "field", "value", "permission", "metric", "span", "page"] as const) {
      assert.lengthOf(missingRows([row(kind, "now")], nothing), 1, kind)
      assertNone(missingRows([row(kind, "later")], nothing))
    }
  })

  it("looks for an adapted row under its name in the code", () => {
    const adapted = { ...row("field", "now"), as: "b" }
    assert.lengthOf(missingRows([adapted], { ...nothing, fields: new Set(["a"]) }), 1)
    assertNone(missingRows([adapted], { ...nothing, fields: new Set(["b"]) }))
  })

  it("has no row twice", () => {
    assert.lengthOf(repeatedRows([row("field", "now"), row("field", "later")]), 1)
    assertNone(repeatedRows(specTable))
  })

  it("has lost no row", () => assert.strictEqual(specTable.length, rowCount))
  it("is true of everything marked now", () => assertNone(missingRows(specTable, surface)))
})
