/**
 * Access logs: how many lines a second a master takes in, as its agents send them, into the embedded store; and how long pages
 * and sums take over many lines, in both stores. Lines are written straight into the store's tables: filling is not what is
 * measured.
 *
 *   npm run bench telemetry -- --rows 10000000
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Warnings } from "@nxmesh/master/cluster/Warnings"
import { Settings, type SettingsShape } from "@nxmesh/master/Settings"
import { DataDirectory } from "@nxmesh/master/state/DataDirectory"
import { aggregateSql } from "@nxmesh/master/telemetry/accessLogs/AccessLogAggregateSql"
import type { AccessLogFilter } from "@nxmesh/master/telemetry/accessLogs/AccessLogFilter"
import { pageSql } from "@nxmesh/master/telemetry/accessLogs/AccessLogPageSql"
import { scanEnd, type Sql, walkOf } from "@nxmesh/master/telemetry/accessLogs/FilterSql"
import { Limits } from "@nxmesh/master/Limits"
import { layerPostgresTelemetry } from "@nxmesh/master/telemetry/postgres/PostgresTelemetry"
import { layerSqliteTelemetry } from "@nxmesh/master/telemetry/sqlite/SqliteTelemetry"
import { TelemetrySql } from "@nxmesh/master/telemetry/TelemetrySql"
import { TelemetryStore } from "@nxmesh/master/telemetry/TelemetryStore"
import { AgentId } from "@nxmesh/protocol/Ids"
import { Duration, Effect, Layer, Redacted } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import process from "node:process"
import { DatabaseSync } from "node:sqlite"
import { parseArgs } from "node:util"
import { postgresPrograms, startPostgres } from "../test/support/Postgres.ts"
import { millis, p50, percentile, table } from "./Statistics.ts"

const { values } = parseArgs({
  options: { rows: { type: "string", default: "1000000" }, lines: { type: "string", default: "200000" } }
})
const rows = Number(values.rows)
const lines = Number(values.lines)
const agents = 100
const spanMillis = 86_400_000
const nowMillis = Date.now()
const agentId = (number: number) => AgentId.make(`00000000-0000-7000-8000-${String(number).padStart(12, "0")}`)
const write = (text: string) => process.stdout.write(`${text}\n`)

const report = (count: number, atMillis: number) =>
  JSON.stringify({
    dropped: 0,
    lines: Array.from({ length: count }, (_, index) => ({
      timestamp: new Date(atMillis + index).toISOString(),
      source: "access",
      text: "",
      access: {
        remote_addr: `203.0.113.${index % 250}`,
        method: "GET",
        uri: `/api/v1/items/${index}?page=${index % 7}`,
        protocol: "HTTP/1.1",
        host: `host-${index % 50}.example`,
        status: index % 200 === 0 ? 502 : 200,
        body_bytes_sent: 1_000 + index,
        response_time_ms: (index % 500) / 4,
        user_agent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Safari/537.36",
        referer: "https://shop.example/search",
        request_id: `${index}`.padStart(32, "a"),
        upstream_addr: "10.0.0.7:8080",
        upstream_status: 200,
        upstream_response_time_ms: 3
      }
    }))
  })

/** The real way in: batches of agents, decoded and written in the store's thread. */
const ingest = Effect.gen(function* () {
  const store = yield* TelemetryStore
  const perReport = 500
  const text = report(perReport, nowMillis)
  const batches = Math.ceil(lines / perReport)
  const started = performance.now()
  yield* Effect.forEach(
    Array.from({ length: batches }, (_, index) => index),
    (index) =>
      store.take(agentId(1 + (index % agents)), {
        outbox_id: `outbox-${index % agents}`,
        dropped: 0,
        entries: [{ sequence: 1 + Math.floor(index / agents), kind: "logs", report: text }]
      }),
    { concurrency: 16, discard: true }
  )
  const seconds = (performance.now() - started) / 1_000
  return Math.round((batches * perReport) / seconds)
})

/** Columns of a generated line by its number `i`, in SQL that both stores read. */
const generated = (text: (of: string) => string) => ({
  agent: `1 + i % ${agents}`,
  at: `${nowMillis} - (${rows} - i) * ${spanMillis} / ${rows}`,
  received: `${nowMillis}`,
  line: "0",
  method: "CASE WHEN i % 10 = 0 THEN 'POST' ELSE 'GET' END",
  host: `'host-' || ${text("(i * 7919) % 50")} || '.example'`,
  path: `'/api/v1/items/' || ${text("(i * 31) % 10000")}`,
  query: "NULL",
  protocol: "'HTTP/1.1'",
  status: "CASE WHEN i % 500 = 0 THEN 502 WHEN i % 50 = 0 THEN 404 ELSE 200 END",
  bytes: "1000 + i % 5000",
  duration_us: "1000 + (i * 7907) % 200000",
  duration_bucket: "100 + i % 150",
  address: "'cb0071' || CASE WHEN i % 2 = 0 THEN '07' ELSE '08' END",
  user_agent: "'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120 Safari/537.36'",
  request_id: `'request-' || ${text("i")}`
})

const insertOf = (columns: Readonly<Record<string, string>>, numbers: string) =>
  `INSERT INTO access_logs (${Object.keys(columns).join(", ")}) SELECT ${Object.values(columns).join(", ")} FROM ${numbers}`

const fillSqlite = (directory: string) => {
  const database = new DatabaseSync(join(directory, "telemetry.db"), { timeout: 60_000 })
  database.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = -200000; DELETE FROM access_logs")
  const step = 500_000
  for (let from = 0; from < rows; from += step) {
    const to = Math.min(rows, from + step)
    database.exec(
      `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${to})
       ${insertOf(
         generated((of) => `(${of})`),
         "n"
       )}`
    )
  }
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
  database.close()
}

const anything: AccessLogFilter = {
  fromMillis: nowMillis - spanMillis,
  toMillis: nowMillis + 60_000,
  agentIds: null,
  host: null,
  statusMin: null,
  statusMax: null,
  method: null,
  pathPrefix: null,
  text: null,
  latencyMicrosMin: null,
  latencyMicrosMax: null,
  address: null,
  requestId: null,
  virtualHostId: null
}
const some = (filter: Partial<AccessLogFilter>): AccessLogFilter => ({ ...anything, ...filter })

/** The whole time, unless it says less. */
const pages: Readonly<Record<string, AccessLogFilter>> = {
  "page: everything": anything,
  "page: one agent": some({ agentIds: [agentId(7)] }),
  "page: 20 agents": some({ agentIds: Array.from({ length: 20 }, (_, index) => agentId(index + 1)) }),
  "page: one host": some({ host: "host-7.example" }),
  "page: 5xx": some({ statusMin: 500, statusMax: 599 }),
  "page: 404 of one host": some({ host: "host-0.example", statusMin: 404, statusMax: 404 }),
  "page: path prefix": some({ pathPrefix: "/api/v1/items/99" }),
  "page: slower than 200 ms": some({ latencyMicrosMin: 200_000 }),
  "page: one request": some({ requestId: `request-${Math.floor(rows / 2)}` }),
  "page: a text that is nowhere, last hour": some({ text: "nowhere", fromMillis: nowMillis - 3_600_000 }),
  "page: a text that is nowhere, all": some({ text: "nowhere" })
}

const measure = Effect.fnUntraced(function* (run: Effect.Effect<ReadonlyArray<unknown>, unknown>) {
  const took: Array<number> = []
  let found = 0
  for (let round = 0; round < 7; round++) {
    const started = performance.now()
    const answer = yield* Effect.result(run)
    took.push(performance.now() - started)
    found = answer._tag === "Success" ? answer.success.length : -1
  }
  return [millis(p50(took)), millis(percentile(took, 1)), found < 0 ? "too slow" : String(found)]
})

const questions = Effect.gen(function* () {
  const { dialect, query } = yield* TelemetrySql
  const run = ({ parameters, text }: Sql) =>
    query(text, parameters, { rowsMax: 2_001, timeoutMillis: Limits.accessLogs.answerMillisMax })
  const bounds = { dialect, master: "", scanMax: Limits.accessLogs.pageScanMax }
  const result: Array<ReadonlyArray<string>> = []
  for (const [name, filter] of Object.entries(pages)) {
    const page = run(pageSql({ filter, after: null, limit: 100 }, bounds))
    result.push([name, ...(yield* measure(page))])
  }
  const hour = some({ fromMillis: nowMillis - 3_600_000 })
  for (const dimensions of [[], ["status"], ["host", "status_class"], ["path"]] as const) {
    const sum = run(aggregateSql({ filter: hour, dimensions, bucketSeconds: null, limit: 50 }, dialect))
    result.push([`sums of the last hour by ${dimensions.join(", ") || "nothing"}`, ...(yield* measure(sum))])
  }
  const end = run(scanEnd(walkOf(anything, dialect), dialect, Limits.accessLogs.aggregateScanMax))
  result.push(["is it too much?", ...(yield* measure(end))])
  return result
})

const layerAround = (path: string) =>
  Layer.mergeAll(Warnings.layer, Metrics.layer, Identifiers.layer, Layer.succeed(DataDirectory, { path })).pipe(
    Layer.provideMerge(
      Layer.succeed(Settings, { telemetryKept: Duration.days(30), telemetryMegabytesMax: 1_000_000 } as SettingsShape)
    )
  )

const print = (title: string, found: ReadonlyArray<ReadonlyArray<string>>) =>
  write(`${title}\n${table([["", "p50", "max", "rows"], ...found])}\n`)

const embedded = Effect.gen(function* () {
  const path = mkdtempSync(join(tmpdir(), "nxmesh-bench-telemetry-"))
  yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(path, { recursive: true, force: true })))
  yield* Effect.gen(function* () {
    write(`embedded: ${yield* ingest} lines/s taken in (goal 20,000)`)
    const started = performance.now()
    fillSqlite(path)
    write(`${rows} lines filled in ${Math.round((performance.now() - started) / 1_000)} s`)
    print("embedded (goal: a page < 500 ms)", yield* questions)
  }).pipe(Effect.provide(Layer.fresh(layerSqliteTelemetry).pipe(Layer.provide(layerAround(path)))))
})

const postgres = Effect.gen(function* () {
  if (postgresPrograms() === null) return write("PostgreSQL is not installed: left out")
  const server = yield* startPostgres
  const url = Redacted.make(server.url)
  yield* Effect.gen(function* () {
    const store = yield* TelemetryStore
    write(`PostgreSQL: ${yield* ingest} lines/s taken in`)
    // Partitions of both days, and all agents.
    yield* store.take(agentId(1), {
      outbox_id: "yesterday",
      dropped: 0,
      entries: [{ sequence: 1, kind: "logs", report: report(1, nowMillis - spanMillis) }]
    })
    yield* server.sql("DELETE FROM nxmesh.access_logs")
    const columns = generated((of) => `(${of})::text`)
    const insert = insertOf(columns, `generate_series(0::bigint, ${rows - 1}) AS n(i)`)
    yield* server.sql(`SET search_path = nxmesh; SET synchronous_commit = off; ${insert}`)
    yield* server.sql("VACUUM ANALYZE nxmesh.access_logs")
    print("PostgreSQL (goal: a page < 500 ms)", yield* questions)
  }).pipe(Effect.provide(Layer.fresh(layerPostgresTelemetry(url)).pipe(Layer.provide(layerAround(tmpdir())))))
})

await Effect.runPromise(Effect.scoped(embedded))
await Effect.runPromise(Effect.scoped(postgres))
