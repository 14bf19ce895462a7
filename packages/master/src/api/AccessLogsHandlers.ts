import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { AccessLogAggregateQuery, AccessLogDimension, AccessLogQuery } from "@nxmesh/protocol/model/AccessLogQuery"
import { Effect, Layer } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Callers } from "../auth/Callers.ts"
import { Credentials } from "../auth/Credentials.ts"
import { isoOf } from "../telemetry/accessLogs/AccessLogPageSql.ts"
import { AccessLogs } from "../telemetry/accessLogs/AccessLogs.ts"
import { exportLines } from "./LogExport.ts"
import { askedFilter, askedPlace, logsRefusal } from "./LogQuestions.ts"
import { tailLines } from "./LogTailStream.ts"

/** A page with what it is of. */
export const logPage = Effect.fnUntraced(function* (query: AccessLogQuery) {
  const { page } = yield* AccessLogs
  const filter = yield* askedFilter(query)
  const after = yield* askedPlace(query.after)
  const { missing, next, rows } = yield* page({ filter, after, limit: query.limit }).pipe(Effect.mapError(logsRefusal))
  return { data: rows, meta: { from: isoOf(filter.fromMillis), to: isoOf(filter.toMillis), missing, next } }
})

const dimensionsOf = (groupBy: string | undefined): ReadonlyArray<AccessLogDimension> =>
  groupBy === undefined ? [] : (groupBy.split(",") as ReadonlyArray<AccessLogDimension>)

export const logAggregate = Effect.fnUntraced(function* (query: AccessLogAggregateQuery) {
  const { aggregate } = yield* AccessLogs
  const filter = yield* askedFilter(query)
  const { groups, missing, truncated } = yield* aggregate({
    filter,
    dimensions: dimensionsOf(query.group_by),
    bucketSeconds: query.bucket_seconds ?? null,
    limit: query.limit
  }).pipe(Effect.mapError(logsRefusal))
  return { data: groups, meta: { from: isoOf(filter.fromMillis), to: isoOf(filter.toMillis), missing, truncated } }
})

export const layerAccessLogs = HttpApiBuilder.group(
  NxMeshApi,
  "accessLogs",
  Effect.fnUntraced(function* (handlers) {
    const callers = yield* Callers
    return handlers.handleAll({
      list: Effect.fn("accessLogs.list")(({ query }) => logPage(query)),
      aggregate: Effect.fn("accessLogs.aggregate")(({ query }) => logAggregate(query)),
      export: Effect.fn("accessLogs.export")(({ query }) => exportLines(query)),
      tail: Effect.fn("accessLogs.tail")(({ query }) => Effect.provideService(tailLines(query), Callers, callers))
    })
  })
).pipe(Layer.provide(Callers.layer.pipe(Layer.provide(Credentials.layer))))
