/** What nginx wrote to its error logs, and the agents to theirs. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { ErrorLogQuery } from "../model/AccessLogQuery.ts"
import { ErrorLogRow, LogPageMeta } from "../model/AccessLogRow.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"

export class ErrorLogsApi extends HttpApiGroup.make("errorLogs")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: ErrorLogQuery,
      success: Schema.Struct({ data: Schema.Array(ErrorLogRow), meta: LogPageMeta }),
      error: ApiErrors
    }).annotateMerge(demands("log:read"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/error-logs") {}
