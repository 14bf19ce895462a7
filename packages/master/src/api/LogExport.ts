/** Many lines as one stream of JSON, page by page: at no time is more than a page in memory. */
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import type { AccessLogExportQuery } from "@nxmesh/protocol/model/AccessLogQuery"
import { Effect, Option, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import type { IncomingMessage } from "node:http"
import { Limits } from "../Limits.ts"
import { isoOf } from "../telemetry/accessLogs/AccessLogPageSql.ts"
import { AccessLogs } from "../telemetry/accessLogs/AccessLogs.ts"
import { placeOf } from "../telemetry/accessLogs/LogCursor.ts"
import { cutWhenStalled } from "./BackupDownload.ts"
import { askedFilter, logsRefusal } from "./LogQuestions.ts"
import { answerHeaders } from "./ResponseHeaders.ts"

const encoder = new TextEncoder()
const linesOf = (values: ReadonlyArray<unknown>): Uint8Array =>
  encoder.encode(values.map((value) => `${JSON.stringify(value)}\n`).join(""))

/** The first page is read before anything is answered: what is refused is refused by its status. */
export const exportLines = Effect.fnUntraced(function* (query: AccessLogExportQuery) {
  const { page } = yield* AccessLogs
  const filter = yield* askedFilter(query)
  const range = { from: isoOf(filter.fromMillis), to: isoOf(filter.toMillis) }
  const missing = new Map<string, string>()
  const read = (after: string | null, left: number) =>
    page({
      filter,
      after: after === null ? null : placeOf(after),
      limit: Math.min(left, ProtocolLimits.logLinesPerPageMax)
    })
  const first = yield* read(null, query.limit).pipe(Effect.mapError(logsRefusal))
  let left = query.limit
  const content = Stream.paginate(null as string | null, (after) =>
    (after === null ? Effect.succeed(first) : read(after, left)).pipe(
      Effect.map((found) => {
        left -= found.rows.length
        for (const { master, reason } of found.missing) missing.set(master, reason)
        const isLast = found.next === null || left <= 0
        const names = [...missing].map(([master, reason]) => ({ master, reason }))
        const end = isLast ? [{ end: { ...range, missing: names, next: found.next } }] : []
        return [[linesOf([...found.rows, ...end])], isLast ? Option.none() : Option.some(found.next)] as const
      })
    )
  )
  const { source } = yield* HttpServerRequest.HttpServerRequest
  const { socket } = source as Partial<IncomingMessage>
  yield* answerHeaders({
    "cache-control": "no-store",
    "content-disposition": 'attachment; filename="access-log.ndjson"'
  })
  return yield* cutWhenStalled(
    content,
    Limits.backup.stalledMax,
    Effect.sync(() => void socket?.destroy())
  )
})
