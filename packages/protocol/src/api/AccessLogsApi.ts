/** Access logs, asked for (OB-003): pages, exports, sums, and what comes in now. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { Limits } from "../Limits.ts"
import {
  AccessLogAggregateQuery,
  AccessLogExportQuery,
  AccessLogQuery,
  AccessLogTailQuery
} from "../model/AccessLogQuery.ts"
import { AccessLogGroup, AccessLogRow, LogAggregateMeta, LogPageMeta } from "../model/AccessLogRow.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"

export class AccessLogsApi extends HttpApiGroup.make("accessLogs")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: AccessLogQuery,
      success: Schema.Struct({ data: Schema.Array(AccessLogRow), meta: LogPageMeta }),
      error: ApiErrors
    }).annotateMerge(demands("log:read")),
    /** Lines of JSON, the newest first. The last one is `{ "end": LogPageMeta }`: without it the export is not whole. */
    HttpApiEndpoint.get("export", "/export", {
      query: AccessLogExportQuery,
      success: HttpApiSchema.StreamUint8Array({ contentType: "application/x-ndjson" }),
      error: ApiErrors
    }).annotateMerge(demands("log:read")),
    HttpApiEndpoint.get("aggregate", "/aggregate", {
      query: AccessLogAggregateQuery,
      success: Schema.Struct({ data: Schema.Array(AccessLogGroup), meta: LogAggregateMeta }),
      error: ApiErrors
    }).annotateMerge(demands("log:read")),
    /** Server-sent events: `line`, `dropped`, `missing`, `end` (docs/operating/logs.md). */
    HttpApiEndpoint.get("tail", "/tail", {
      query: AccessLogTailQuery,
      success: HttpApiSchema.StreamUint8Array({ contentType: "text/event-stream" }),
      error: ApiErrors
    }).annotateMerge(demands("log:read"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/access-logs") {}

export const GraphqlRequest = Schema.Struct({
  query: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(Limits.graphqlCharactersMax)),
  variables: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))),
  operationName: Schema.optionalKey(Schema.NullOr(Schema.String))
}).annotate({ identifier: "GraphqlRequest" })
export type GraphqlRequest = typeof GraphqlRequest.Type

/** As the GraphQL specification has it: `errors` name their path. `extensions.missing` names masters that did not answer. */
export const GraphqlAnswer = Schema.Struct({
  data: Schema.optionalKey(Schema.Unknown),
  errors: Schema.optionalKey(Schema.Array(Schema.Unknown)),
  extensions: Schema.optionalKey(Schema.Unknown)
}).annotate({ identifier: "GraphqlAnswer" })

const example = {
  query: "query { accessLogs(filter: { statusCode: { gte: 500 } }, limit: 100) { timestamp method uri status } }"
}

export class GraphqlApi extends HttpApiGroup.make("graphql")
  .add(
    HttpApiEndpoint.post("graphql", "/graphql", {
      payload: GraphqlRequest,
      success: GraphqlAnswer,
      error: ApiErrors
    }).annotateMerge(demands("log:read", { example }))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication) {}
