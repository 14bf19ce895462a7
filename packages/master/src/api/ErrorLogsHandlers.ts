import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { isoOf } from "../telemetry/accessLogs/AccessLogPageSql.ts"
import { AccessLogs } from "../telemetry/accessLogs/AccessLogs.ts"
import { asciiLower } from "../telemetry/accessLogs/AsciiLower.ts"
import { askedPlace, askedRange, logsRefusal, readableAgents } from "./LogQuestions.ts"

export const layerErrorLogs = HttpApiBuilder.group(
  NxMeshApi,
  "errorLogs",
  Effect.fnUntraced(function* (handlers) {
    const { errors } = yield* AccessLogs
    return handlers.handleAll({
      list: Effect.fn("errorLogs.list")(function* ({ query }) {
        const range = yield* askedRange(query)
        const filter = {
          ...range,
          agentIds: yield* readableAgents(query, (yield* CurrentUser).access),
          level: query.level ?? null,
          host: query.host ?? null,
          text: query.text === undefined ? null : asciiLower(query.text)
        }
        const after = yield* askedPlace(query.after)
        const found = yield* errors({ filter, after, limit: query.limit }).pipe(Effect.mapError(logsRefusal))
        const { missing, next, rows } = found
        return { data: rows, meta: { from: isoOf(range.fromMillis), to: isoOf(range.toMillis), missing, next } }
      })
    })
  })
)
