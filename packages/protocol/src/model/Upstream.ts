/** A pool of backends (CM-002), rendered as an nginx upstream under a generated name. */
import { Schema } from "effect"
import { UpstreamId, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { BackendAddress } from "./NginxText.ts"
import { patch, stamps, withDefault } from "./Resource.ts"

const count = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Used in `proxy_pass` as a host, so it has the form of one. */
export const UpstreamName = Schema.String.check(
  Schema.isPattern(/^[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?$/, {
    message: "must be lower-case letters, digits, hyphens and underscores, at most 63"
  })
)

export const LoadBalanceAlgorithm = Schema.Literals([
  "round_robin",
  "least_connections",
  "ip_hash",
  "weighted_round_robin"
])
export type LoadBalanceAlgorithm = typeof LoadBalanceAlgorithm.Type

export const UpstreamServer = Schema.Struct({
  address: BackendAddress,
  weight: withDefault(count(1, 65_535), 1),
  backup: withDefault(Schema.Boolean, false),
  down: withDefault(Schema.Boolean, false),
  max_fails: withDefault(count(0, 65_535), 1),
  /** Seconds. */
  fail_timeout: withDefault(count(0, 86_400), 10)
}).annotate({ identifier: "UpstreamServer" })
export type UpstreamServer = typeof UpstreamServer.Type

/** A request's target in origin form (RFC 9112, section 3.2.1): a path and perhaps a query, in what a request line may hold. */
const ProbePath = Schema.String.check(
  Schema.isMaxLength(Limits.pathCharactersMax),
  Schema.isPattern(/^\/[!-"$-~]*$/, { message: "must begin with / and have no spaces, no # and only ASCII characters" })
)

/**
 * By which agents probe every address of every server, each for itself. http: `GET` of the path, answered with 200 to 399, by TLS where
 * every location that uses the upstream does. tcp: a connection. A server that fails is left out until it passes again, but never
 * all of an upstream.
 */
export const HealthCheckConfig = Schema.Struct({
  type: Schema.Literals(["http", "tcp"]),
  /** Of an http check; `null`: `/`. */
  path: withDefault(Schema.NullOr(ProbePath), null),
  interval_seconds: withDefault(count(1, 3_600), 10),
  timeout_seconds: withDefault(count(1, 60), 5),
  /** Passes in a row that bring a server back, and failures in a row that leave it out. */
  healthy_threshold: withDefault(count(1, 100), 2),
  unhealthy_threshold: withDefault(count(1, 100), 3)
}).annotate({ identifier: "HealthCheckConfig" })
export type HealthCheckConfig = typeof HealthCheckConfig.Type

const fields = {
  name: UpstreamName,
  algorithm: LoadBalanceAlgorithm,
  servers: Schema.Array(UpstreamServer).check(
    Schema.isMinLength(1, { message: "must have at least one server" }),
    Schema.isMaxLength(Limits.upstreamServersMax)
  ),
  health_check: Schema.NullOr(HealthCheckConfig),
  /** Idle connections kept per worker (`keepalive`). */
  keepalive_connections: Schema.NullOr(count(1, 65_535)),
  /** Seconds (`keepalive_timeout`). */
  keepalive_timeout: Schema.NullOr(count(1, 86_400))
}

export const Upstream = Schema.Struct({ id: UpstreamId, workspace_id: WorkspaceId, ...fields, ...stamps }).annotate({
  identifier: "Upstream"
})
export type Upstream = typeof Upstream.Type

export const UpstreamCreate = Schema.Struct({
  workspace_id: WorkspaceId,
  name: fields.name,
  algorithm: withDefault(fields.algorithm, "round_robin"),
  servers: fields.servers,
  health_check: withDefault(fields.health_check, null),
  keepalive_connections: withDefault(fields.keepalive_connections, null),
  keepalive_timeout: withDefault(fields.keepalive_timeout, null)
}).annotate({ identifier: "UpstreamCreate" })
export type UpstreamCreate = typeof UpstreamCreate.Type
export const UpstreamPatch = patch(fields).annotate({ identifier: "UpstreamPatch" })
export type UpstreamPatch = typeof UpstreamPatch.Type

/** Rules between fields. nginx refuses backup servers with ip_hash, and an upstream of backups alone (both emerg). */
export const upstreamProblems = (
  upstream: Pick<Upstream, "algorithm" | "health_check" | "servers">
): ReadonlyArray<{ readonly field: string; readonly message: string }> => {
  const problems: Array<{ readonly field: string; readonly message: string }> = []
  upstream.servers.forEach((server, index) => {
    if (server.backup && upstream.algorithm === "ip_hash") {
      problems.push({ field: `servers[${index}].backup`, message: "cannot be combined with ip_hash" })
    }
  })
  if (upstream.servers.every((server) => server.backup)) {
    problems.push({ field: "servers", message: "must have a server that is not a backup" })
  }
  if (upstream.health_check?.type === "tcp" && upstream.health_check.path !== null) {
    problems.push({ field: "health_check.path", message: "must be absent for a tcp check, which asks for nothing" })
  }
  return problems
}
