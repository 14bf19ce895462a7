/** What every store of telemetry does, whatever it is made of. Each test begins with an empty one. */
import { assert, layer } from "@effect/vitest"
import { MasterId } from "@nxmesh/protocol/Ids"
import { Clock, Context, Effect, Layer, type Scope } from "effect"
import { until } from "../../../../test/support/Wait.ts"
import { a, b, base, batch, entry, happened, health, logs, metrics, second } from "./TelemetryReports.ts"
import { placeOf } from "../../src/telemetry/accessLogs/LogCursor.ts"
import type { EventsAsked } from "../../src/telemetry/history/HistoryRows.ts"
import { TelemetryHistory } from "../../src/telemetry/history/TelemetryHistory.ts"
import { TelemetryGather, TelemetryPeers } from "../../src/telemetry/TelemetryGather.ts"
import { type SqlRow, type SqlValue, TelemetrySql } from "../../src/telemetry/TelemetrySql.ts"
import type { TelemetryStore } from "../../src/telemetry/TelemetryStore.ts"

const workspace = "018f0000-0000-7000-8000-0000000000aa"

/** As one master has it that is alone. */
const historyOf = ({ sql }: Pick<Started, "sql">) =>
  Effect.map(
    Layer.build(
      Layer.fresh(TelemetryHistory.layer).pipe(
        Layer.provide(Layer.fresh(TelemetryGather.layer)),
        Layer.provide(TelemetryPeers.layerNone(MasterId.make("018f0000-0000-7000-8000-0000000000ff"))),
        Layer.provide(Layer.succeed(TelemetrySql, sql))
      )
    ),
    (context) => Context.get(context, TelemetryHistory)
  )

export interface Started {
  readonly store: TelemetryStore["Service"]
  readonly sql: TelemetrySql["Service"]
  /** Forgets every row. */
  readonly empty: Effect.Effect<void>
}

export const rowsOf = ({ sql }: Pick<Started, "sql">, statement: string, ...parameters: ReadonlyArray<SqlValue>) =>
  sql.query(statement, parameters, { rowsMax: 10_000, timeoutMillis: 10_000 })

/** The first column of each row. */
export const valuesOf = (started: Pick<Started, "sql">, statement: string, ...parameters: ReadonlyArray<SqlValue>) =>
  Effect.map(rowsOf(started, statement, ...parameters), (rows) => rows.map((row: SqlRow) => Object.values(row)[0]))

/** One store for all tests: its thread takes long to start. */
class Shared extends Context.Service<Shared, Started>()("test/telemetry/Shared") {}

export const telemetryContract = (name: string, start: Effect.Effect<Started, unknown, Scope.Scope>): void => {
  const shared = Layer.effect(Shared, Effect.orDie(start))
  layer(shared, { excludeTestServices: true, timeout: 60_000 })(`${name}, as every store of telemetry,`, (it) => {
    const begin = Effect.tap(Shared, ({ empty }) => empty)
    it.effect("takes each report once, however often its batch comes and whatever else is in it then", () =>
      Effect.gen(function* () {
        const started = yield* begin
        const first = batch([entry(1, "metrics", metrics(1)), entry(2, "metrics", metrics(2))])
        const longer = batch([...first.entries, entry(1_000_003, "metrics", metrics(3))])
        const answers = yield* Effect.forEach([first, first, longer], (one) => started.store.take(a, one))
        assert.deepStrictEqual(answers, [{ through: 2 }, { through: 2 }, { through: 1_000_003 }])
        assert.deepStrictEqual(yield* valuesOf(started, "SELECT value FROM metrics ORDER BY at"), [1, 2, 3])
      })
    )

    it.effect("takes a batch once that comes many times at once", () =>
      Effect.gen(function* () {
        const started = yield* begin
        const one = batch([entry(1, "logs", logs("GET /1", "a")), entry(2, "logs", logs("GET /2", "b"))])
        yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => started.store.take(a, one), { concurrency: "unbounded" })
        assert.deepStrictEqual(yield* valuesOf(started, "SELECT message FROM error_logs ORDER BY id"), ["a", "b"])
        assert.deepStrictEqual(yield* valuesOf(started, "SELECT count(*) AS count FROM access_logs"), [2])
      })
    )

    it.effect("knows the outboxes of agents apart", () =>
      Effect.gen(function* () {
        const started = yield* begin
        yield* started.store.take(a, batch([entry(1, "metrics", metrics(1))]))
        yield* started.store.take(a, batch([entry(1, "metrics", metrics(2))], { outbox_id: "two" }))
        yield* started.store.take(b, batch([entry(1, "metrics", metrics(3))]))
        const rows = yield* rowsOf(
          started,
          `SELECT g.agent_id, m.value FROM metrics m JOIN metric_series s ON s.id = m.series JOIN agents g ON g.id = s.agent
           WHERE g.agent_id = ? AND m.at >= ? AND m.at < ? ORDER BY m.at`,
          a,
          base,
          base + 60_000
        )
        assert.deepStrictEqual(
          rows.map(({ agent_id, value }) => [agent_id, value]),
          [
            [a, 1],
            [a, 2]
          ]
        )
      })
    )

    it.effect("keeps lines of logs by what they are of, in order, each with its place", () =>
      Effect.gen(function* () {
        const started = yield* begin
        yield* started.store.take(a, batch([entry(5, "logs", logs("GET /1", "upstream timed out", "GET /2"))]))
        const places = (table: string) =>
          Effect.map(rowsOf(started, `SELECT sequence, line FROM ${table} ORDER BY id`), (rows) =>
            rows.map(({ line, sequence }) => [sequence, line])
          )
        assert.deepStrictEqual(yield* places("access_logs"), [
          [5, 0],
          [5, 2]
        ])
        assert.deepStrictEqual(yield* places("error_logs"), [[5, 1]])
        assert.deepStrictEqual(yield* valuesOf(started, "SELECT message FROM error_logs"), ["upstream timed out"])
      })
    )

    it.effect("keeps one health report of one time, whether it came by itself, from the outbox, or both", () =>
      Effect.gen(function* () {
        const started = yield* begin
        yield* started.store.note(a, "health", health(1))
        yield* until(valuesOf(started, "SELECT at FROM health"), ({ length }) => length === 1, { fact: "it is kept" })
        yield* started.store.take(a, batch([entry(1, "health", health(1)), entry(2, "health", health(2))]))
        assert.deepStrictEqual(yield* valuesOf(started, "SELECT at FROM health ORDER BY at"), [
          base + 1_000,
          base + 2_000
        ])
      })
    )

    it.effect("leaves out what it cannot decode and what it does not know, and says so", () =>
      Effect.gen(function* () {
        const started = yield* begin
        const entries = [
          entry(1, "metrics", "{"),
          entry(2, "metrics", { timestamp: "yesterday" }),
          entry(3, "traces", {}),
          entry(4, "metrics", metrics(4))
        ]
        assert.deepStrictEqual(yield* started.store.take(a, batch(entries, { dropped: 7 })), { through: 4 })
        yield* started.store.take(a, batch([entry(5, "metrics", metrics(5))], { dropped: 9 }))
        const events = yield* rowsOf(started, "SELECT kind, data FROM events ORDER BY id")
        assert.deepStrictEqual(
          events.map(({ data, kind }) => [kind, JSON.parse(String(data))]),
          [
            ["reports_dropped", { reports: 7 }],
            ["reports_undecodable", { reports: 3 }],
            ["reports_dropped", { reports: 2 }]
          ]
        )
      })
    )

    it.effect("keeps what happened once, by its key", () =>
      Effect.gen(function* () {
        const started = yield* begin
        yield* started.store.record([happened("x", 1), happened("y", 2), happened("x", 1)])
        yield* started.store.record([happened("y", 2), happened("z", 3)])
        yield* until(
          valuesOf(started, "SELECT key FROM events ORDER BY at"),
          (keys) => JSON.stringify(keys) === '["x","y","z"]',
          { fact: "each is there once" }
        )
      })
    )

    it.effect("rolls samples up by the minute and the hour, whatever their order and groups", () =>
      Effect.gen(function* () {
        const started = yield* begin
        const samples = [5, 50, 10, 70, 3_650, 20].map((at, index) =>
          entry(index + 1, "metrics", metrics(at, at, "requests", { host: "h" }))
        )
        yield* started.store.take(a, batch(samples.slice(0, 4)))
        yield* started.store.take(a, batch(samples))
        const rollups = (table: string) =>
          Effect.map(rowsOf(started, `SELECT * FROM ${table} ORDER BY at`), (rows) =>
            rows.map(({ at, count, first, last, max, min, sum }) => [
              (Number(at) - base) / 1_000,
              ...[count, sum, min, max, first, last]
            ])
          )
        assert.deepStrictEqual(yield* rollups("metrics_minute"), [
          [0, 4, 85, 5, 50, 5, 50],
          [60, 1, 70, 70, 70, 70, 70],
          [3_600, 1, 3_650, 3_650, 3_650, 3_650, 3_650]
        ])
        assert.deepStrictEqual(yield* rollups("metrics_hour"), [
          [0, 5, 155, 5, 70, 5, 70],
          [3_600, 1, 3_650, 3_650, 3_650, 3_650, 3_650]
        ])
      })
    )

    it.effect("puts a line of a clock that is far ahead at the time when it came", () =>
      Effect.gen(function* () {
        const started = yield* begin
        const ahead = { timestamp: "2090-01-01T00:00:00.000Z", samples: [{ name: "n", labels: {}, value: 1 }] }
        yield* started.store.take(a, batch([entry(1, "metrics", ahead)]))
        const now = yield* Clock.currentTimeMillis
        const [at] = yield* valuesOf(started, "SELECT at FROM metrics")
        assert.isAtMost(Math.abs(Number(at) - now), 60_000)
      })
    )

    it.effect("keeps texts that no database likes", () =>
      Effect.gen(function* () {
        const started = yield* begin
        const text = "a\0b'\"\\ \ud800 \u{1f600} %s $1 ?"
        yield* started.store.take(
          a,
          batch([entry(1, "logs", logs(text)), entry(2, "metrics", metrics(1, 1, text, { [text]: text }))])
        )
        const kept = "a\ufffdb'\"\\ \ufffd \u{1f600} %s $1 ?"
        assert.deepStrictEqual(yield* valuesOf(started, "SELECT message FROM error_logs"), [kept])
        assert.deepStrictEqual(
          yield* valuesOf(started, "SELECT name FROM metric_series WHERE id IN (SELECT series FROM metrics)"),
          [kept]
        )
      })
    )

    it.effect("answers the metrics of an agent by step, with the rates of counters", () =>
      Effect.gen(function* () {
        const started = yield* begin
        const samples = [0, 10, 30, 60, 70, 20, 80].map((value, index) =>
          entry(index + 1, "metrics", metrics(value, index * 10, "requests_total", { host: "h" }))
        )
        yield* started.store.take(a, batch([...samples, entry(100, "metrics", metrics(4, 5, "load"))]))
        yield* started.store.take(b, batch([entry(1, "metrics", metrics(9, 5, "requests_total"))]))
        const history = yield* historyOf(started)
        const asked = { agentId: a, fromMillis: base + 20_000, toMillis: base + 60_000, stepMillis: 20_000 }
        const raw = yield* history.metrics({ ...asked, namePrefix: "requests", resolution: "raw" })
        assert.deepStrictEqual(
          raw.series.map(({ labels, name, points }) => [
            ...[name, labels],
            points.map(({ avg, last, max, min, rate, timestamp }) => [timestamp, min, avg, max, last, rate])
          ]),
          [
            [
              "requests_total",
              { host: "h" },
              [
                [second(20), 30, 45, 60, 60, 2.5],
                // From 60 to 70, then from zero to 20.
                [second(40), 20, 45, 70, 20, 1.5]
              ]
            ]
          ]
        )
        const hour = { ...asked, fromMillis: base, stepMillis: 3_600_000, resolution: "hour", namePrefix: "" } as const
        const all = yield* history.metrics(hour)
        assert.deepStrictEqual(
          all.series
            .toSorted((left, right) => left.name.localeCompare(right.name))
            .map(({ name, points }) => [name, points.map(({ avg, rate }) => [avg, rate])]),
          [
            ["load", [[4, null]]],
            // That it fell from 70 to 20 is not to be seen in an hour that ends with 80.
            ["requests_total", [[270 / 7, 80 / 3_600]]]
          ]
        )
      })
    )

    it.effect("sums up what all visible agents served, whenever their counters began anew", () =>
      Effect.gen(function* () {
        const started = yield* begin
        const served = (at: number, ok: number, failed: number) =>
          entry(at + 1, "metrics", {
            timestamp: second(at),
            samples: [
              { name: "nxmesh_http_requests_total", labels: { host: "h", status: "2xx" }, value: ok },
              { name: "nxmesh_http_requests_total", labels: { host: "h", status: "5xx" }, value: failed },
              { name: "nxmesh_http_request_duration_seconds_sum", labels: { host: "h" }, value: ok / 10 },
              { name: "nxmesh_http_request_duration_seconds_count", labels: { host: "h" }, value: ok },
              { name: "nxmesh_nginx_connections_active", labels: {}, value: 7 }
            ]
          })
        yield* started.store.take(a, batch([served(0, 0, 0), served(50, 120, 0), served(110, 240, 60)]))
        yield* started.store.take(b, batch([served(0, 1_000, 0), served(50, 1_060, 0), served(110, 60, 0)]))
        const history = yield* historyOf(started)
        const asked = { fromMillis: base, toMillis: base + 120_000, stepMillis: 60_000, resolution: "minute" } as const
        const points = (agentIds: ReadonlyArray<string> | null) =>
          Effect.map(history.fleet({ ...asked, agentIds }), ({ series }) =>
            series.map(({ connections, latency_ms, requests, server_errors }) => [
              ...[requests, server_errors, connections],
              Math.round(latency_ms ?? -1)
            ])
          )
        assert.deepStrictEqual(yield* points(null), [
          [3, 0, 14, 100],
          [4, 1, 14, 100]
        ])
        assert.deepStrictEqual(yield* points([a]), [
          [2, 0, 7, 100],
          [3, 1, 7, 100]
        ])
        assert.deepStrictEqual(yield* points([]), [])
      })
    )

    it.effect("answers health and events in pages, the newest first, and what may be seen alone", () =>
      Effect.gen(function* () {
        const started = yield* begin
        yield* started.store.take(a, batch([1, 2, 3, 4, 5].map((at) => entry(at, "health", health(at)))))
        yield* started.store.take(b, batch([entry(1, "health", health(9))]))
        const place = { workspaceId: workspace, organizationId: null }
        yield* started.store.record([
          happened("of a", 1),
          { ...happened("of a workspace", 2), agentId: null, ...place },
          { ...happened("of the cluster", 3), agentId: null, kind: "leader_changed" }
        ])
        yield* until(valuesOf(started, "SELECT key FROM events"), ({ length }) => length === 3, {
          fact: "they are kept"
        })
        const history = yield* historyOf(started)
        const range = { fromMillis: base, toMillis: base + 60_000, after: null }
        const first = yield* history.health({ ...range, agentId: a, limit: 2 })
        const after = placeOf(first.next ?? "")
        const second = yield* history.health({ ...range, agentId: a, limit: 100, after })
        assert.deepStrictEqual(
          [...first.rows, ...second.rows].map(({ timestamp }) => (Date.parse(timestamp) - base) / 1_000),
          [5, 4, 3, 2, 1]
        )
        assert.isNull(second.next)
        const keys = (asked: Partial<EventsAsked>) =>
          Effect.map(
            history.events({ ...range, seen: null, agentId: null, workspaceId: null, kind: null, limit: 10, ...asked }),
            ({ rows }) => rows.map(({ text }) => text.replace(" happened", ""))
          )
        const seen = { agentIds: [a], workspaceIds: [], organizationIds: [] }
        assert.deepStrictEqual(yield* keys({}), ["of the cluster", "of a workspace", "of a"])
        assert.deepStrictEqual(yield* keys({ seen }), ["of a"])
        assert.deepStrictEqual(yield* keys({ seen: { ...seen, agentIds: [], workspaceIds: [workspace] } }), [
          "of a workspace"
        ])
        assert.deepStrictEqual(yield* keys({ kind: "leader_changed" }), ["of the cluster"])
        assert.deepStrictEqual(yield* keys({ agentId: a }), ["of a"])
        assert.deepStrictEqual(yield* keys({ toMillis: base + 2_000 }), ["of a"])
      })
    )

    it.effect("answers no more rows than it may, and refuses what is no question", () =>
      Effect.gen(function* () {
        const started = yield* begin
        const entries = Array.from({ length: 30 }, (_, index) => entry(index + 1, "metrics", metrics(index + 1)))
        yield* started.store.take(a, batch(entries))
        const bounds = { rowsMax: 7, timeoutMillis: 10_000 }
        assert.lengthOf(yield* started.sql.query("SELECT value FROM metrics ORDER BY at", [], bounds), 7)
        const writes = ["SELEKT 1", "DELETE FROM metrics", "DROP TABLE metrics"]
        for (const statement of writes) {
          assert.strictEqual(
            (yield* Effect.flip(started.sql.query(statement, [], bounds))).reason,
            "Refused",
            statement
          )
        }
        assert.lengthOf(yield* valuesOf(started, "SELECT value FROM metrics"), 30)
      })
    )

    it.effect("gives up a question that takes too long, and answers the next ones", () =>
      Effect.gen(function* () {
        const started = yield* begin
        yield* started.store.take(a, batch([entry(1, "metrics", metrics(1))]))
        const long = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000)
          SELECT count(*) AS count FROM n`
        const failure = yield* Effect.flip(started.sql.query(long, [], { rowsMax: 1, timeoutMillis: 50 }))
        assert.strictEqual(failure.reason, "TimedOut")
        assert.deepStrictEqual(yield* valuesOf(started, "SELECT value FROM metrics"), [1])
      })
    )
  })
}
