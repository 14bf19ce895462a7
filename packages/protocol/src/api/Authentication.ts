/** Who asks, and what an endpoint demands of them (SF-001). The master implements both middlewares; clients send the bearer token. */
import { Context } from "effect"
import type { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { HttpApiMiddleware, HttpApiSecurity, OpenApi } from "effect/http-api"
import { Forbidden, TooManyRequests, Unauthenticated, Unavailable } from "../Errors.ts"
import type { Access } from "../model/Access.ts"
import type { Permission } from "../model/Permission.ts"
import type { Principal } from "../Principal.ts"
import { summaryOf } from "./Summaries.ts"

/** Who asks, verified, and what they may do: a person by an access token, or a service account by an API key. */
export class CurrentUser extends Context.Service<
  CurrentUser,
  {
    readonly principal: Principal & { readonly _tag: "User" | "ServiceAccount" }
    readonly access: Access
  }
>()("@nxmesh/protocol/api/CurrentUser") {}

/** Verifies the bearer token (RFC 6750) and enforces the endpoint's `RequiredPermission`. */
export class Authentication extends HttpApiMiddleware.Service<Authentication, { provides: CurrentUser }>()(
  "@nxmesh/protocol/api/Authentication",
  {
    security: { bearer: HttpApiSecurity.bearer },
    error: [Unauthenticated, Forbidden, TooManyRequests, Unavailable],
    requiredForClient: true
  }
) {}

/** Notes who asked, for the request's log line, and refuses what is too much of one. Runs inside `Authentication`. */
export class RequestAttribution extends HttpApiMiddleware.Service<RequestAttribution, { requires: CurrentUser }>()(
  "@nxmesh/protocol/api/RequestAttribution",
  { error: [TooManyRequests] }
) {}

/** What an endpoint demands: a permission, only a valid token (`"authenticated"`), or nothing (`null`: public). */
export type Demand = Permission | "authenticated" | null

/** An endpoint's `Demand`. Every endpoint carries one: an endpoint without is refused to everybody. */
export class RequiredPermission extends Context.Service<RequiredPermission, Demand>()(
  "@nxmesh/protocol/api/RequiredPermission"
) {}

/** What the OpenAPI document says of an endpoint beyond its schemas. */
export interface Documentation {
  /** A body that works as it is, but for its ids. */
  readonly example?: unknown
  /** Headers of the successful answer, by name, with what they say. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The parts of an OpenAPI operation that are written to here. */
interface Operation {
  summary?: string
  readonly operationId?: string
  readonly requestBody?: { readonly content?: Readonly<Record<string, { example?: unknown }>> }
  readonly responses: Readonly<Record<string, { headers?: unknown }>>
}

const documented = (operation: Operation, { example, headers }: Documentation): Operation => {
  const body = operation.requestBody?.content?.["application/json"]
  if (example !== undefined && body !== undefined) body.example = example
  for (const [status, response] of Object.entries(operation.responses)) {
    if (headers === undefined || !status.startsWith("2")) continue
    response.headers = Object.fromEntries(
      Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: "string" } }])
    )
  }
  const summary = summaryOf(operation.operationId ?? "")
  return summary === undefined ? operation : { ...operation, summary }
}

/** Annotates an endpoint with what it demands, also in the OpenAPI document (`x-permission`). */
export const demands = (demand: Demand, documentation: Documentation = {}): Context.Context<never> =>
  Context.empty().pipe(
    Context.add(RequiredPermission, demand),
    Context.add(OpenApi.Transform, (operation) => ({
      ...documented(operation as Operation, documentation),
      "x-permission": demand ?? "public"
    }))
  ) as Context.Context<never>

/** What an endpoint demands; `undefined` when it was forgotten. */
export const demandOf = (
  endpoint: Pick<HttpApiEndpoint.Top, "annotations">,
  group?: Pick<HttpApiGroup.Top, "annotations">
): Demand | undefined => {
  const annotations =
    group === undefined ? endpoint.annotations : Context.merge(group.annotations, endpoint.annotations)
  return Context.getOrUndefined(annotations as Context.Context<RequiredPermission>, RequiredPermission)
}
