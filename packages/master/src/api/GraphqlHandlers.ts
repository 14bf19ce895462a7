import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import type { ApiError } from "@nxmesh/protocol/Errors"
import { AccessLogAggregateQuery, AccessLogQuery } from "@nxmesh/protocol/model/AccessLogQuery"
import { Effect, Result, Schema, SchemaIssue } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { GraphQLError } from "graphql"
import { aggregateQueryOf, camelled, keyOf, pageQueryOf } from "../graphql/LogArguments.ts"
import { type LogResolvers, runLogQuery } from "../graphql/LogQuery.ts"
import { Database } from "../state/Database.ts"
import { Reads } from "../state/Reads.ts"
import { AccessLogs } from "../telemetry/accessLogs/AccessLogs.ts"
import { logAggregate, logPage } from "./AccessLogsHandlers.ts"

const strict = { errors: "all", onExcessProperty: "error" } as const

/** A refusal of REST as an error of GraphQL: the library adds the path. */
const errorOf = ({ error: { code, details, message } }: ApiError): GraphQLError =>
  new GraphQLError([message, ...details.map((detail) => `${detail.field}: ${detail.message}`)].join("; "), {
    extensions: { code, details }
  })

const formatter = SchemaIssue.makeFormatterStandardSchemaV1()

const decodedBy = <A>(schema: Schema.Codec<A, unknown>, input: unknown) =>
  Schema.decodeUnknownEffect(schema)(input, strict).pipe(
    Effect.mapError(({ issue }) => {
      const details = formatter(issue).issues.map(({ message, path = [] }) => ({
        field: path.map((key) => String(key)).join("."),
        message
      }))
      return new GraphQLError(details.map(({ field, message }) => `${field}: ${message}`).join("; "), {
        extensions: { code: "VALIDATION_ERROR", details }
      })
    })
  )

export const layerGraphql = HttpApiBuilder.group(
  NxMeshApi,
  "graphql",
  Effect.fnUntraced(function* (handlers) {
    return handlers.handleAll({
      graphql: Effect.fn("graphql.graphql")(function* ({ payload }) {
        const context = yield* Effect.context<AccessLogs | Database | Reads | CurrentUser>()
        const missing = new Map<string, string>()
        const note = (masters: ReadonlyArray<{ readonly master: string; readonly reason: string }>) => {
          for (const { master, reason } of masters) missing.set(master, reason)
        }
        /** Aborted with the request. */
        const run = async <A>(
          effect: Effect.Effect<A, GraphQLError | ApiError, AccessLogs | Database | Reads | CurrentUser>,
          signal: AbortSignal
        ): Promise<A> => {
          const result = await Effect.runPromiseWith(context)(Effect.result(effect), { signal })
          if (Result.isSuccess(result)) return result.success
          throw result.failure instanceof GraphQLError ? result.failure : errorOf(result.failure)
        }
        const resolvers = (signal: AbortSignal): LogResolvers => ({
          accessLogs: (args) =>
            run(
              decodedBy(AccessLogQuery, pageQueryOf(args)).pipe(
                Effect.flatMap(logPage),
                Effect.map(({ data, meta }) => {
                  note(meta.missing)
                  return data.map(camelled)
                })
              ),
              signal
            ),
          accessLogAggregate: (args) =>
            run(
              decodedBy(AccessLogAggregateQuery, aggregateQueryOf(args)).pipe(
                Effect.flatMap(logAggregate),
                Effect.map(({ data, meta }) => {
                  note(meta.missing)
                  return data.map((group) => ({ ...camelled(group), key: keyOf(group.key) }))
                })
              ),
              signal
            )
        })
        const { data, errors } = yield* Effect.promise((signal) => runLogQuery(payload, resolvers(signal)))
        const names = [...missing].map(([master, reason]) => ({ master, reason }))
        return {
          ...(data === undefined ? {} : { data: data as unknown }),
          ...(errors === undefined ? {} : { errors: errors.map((error) => error.toJSON() as unknown) }),
          ...(names.length === 0 ? {} : { extensions: { missing: names } })
        }
      })
    })
  })
)
