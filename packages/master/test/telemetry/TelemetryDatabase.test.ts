import { assert, describe, it } from "@effect/vitest"
import { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch, OutboxKind } from "@nxmesh/protocol/link/OutboxBatch"
import { Effect } from "effect"
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { temporaryDirectory } from "../../../../test/support/Fleet.ts"
import { SqliteDatabase } from "../../src/telemetry/sqlite/SqliteDatabase.ts"
import { leavesRoom, SqliteFile } from "../../src/telemetry/sqlite/SqliteFile.ts"
import type { RetentionBounds } from "../../src/telemetry/Retention.ts"
import { tables } from "../../src/telemetry/TelemetryTables.ts"

const a = AgentId.make("018f0000-0000-7000-8000-00000000000a")
const start = Date.UTC(2026, 2, 2)
const second = (count: number) => new Date(Date.UTC(2026, 2, 2) + count * 1_000).toISOString()

const health = (at: number) => ({
  timestamp: second(at),
  nginx_status: { is_running: true, pid: 1, uptime_seconds: 1, active_connections: 1, requests_per_second: 0 },
  system_metrics: { cpu_percent: 1, memory_used_mb: 1, memory_total_mb: 2, disk_used_gb: 1, disk_total_gb: 2 },
  config_checksum: null,
  alerts: []
})
const metrics = (value: number) => ({ timestamp: second(value), samples: [{ name: "n", labels: {}, value }] })
const logs = (...texts: ReadonlyArray<string>) => ({
  dropped: 0,
  lines: texts.map((text) => ({
    timestamp: second(1),
    source: text.startsWith("GET") ? ("access" as const) : ("error" as const),
    text
  }))
})

const entry = (sequence: number, kind: OutboxKind, report: unknown) => ({
  sequence,
  kind,
  report: typeof report === "string" ? report : JSON.stringify(report)
})
const batch = (
  entries: OutboxBatch["entries"],
  { dropped = 0, outbox_id = "one" }: Partial<OutboxBatch> = {}
): OutboxBatch => ({ outbox_id, dropped, entries })

const opened = Effect.fnUntraced(function* () {
  const directory = yield* temporaryDirectory("telemetry")
  const file = join(directory, "telemetry.db")
  const database = yield* Effect.acquireRelease(
    Effect.sync(() => new SqliteDatabase(file)),
    (opened) => Effect.sync(() => opened.close())
  )
  const reader = yield* Effect.acquireRelease(
    Effect.sync(() => new DatabaseSync(file, { readOnly: true })),
    (opened) => Effect.sync(() => opened.close())
  )
  return {
    database,
    count: (table: string) => Number(reader.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.["count"]),
    take: (agentId: AgentId, taken: OutboxBatch, nowMillis = start) =>
      database.transaction(() => database.take(agentId, taken, nowMillis))
  }
})

const everyTable = (millis: number) =>
  Object.fromEntries(Object.keys(tables).map((table) => [table, millis])) as RetentionBounds["keptMillis"]

describe("The file of a master's telemetry", () => {
  it.effect("keeps nothing of a transaction that fails", () =>
    Effect.gen(function* () {
      const { count, database, take } = yield* opened()
      assert.throws(() =>
        database.transaction(() => {
          database.take(a, batch([entry(1, "metrics", metrics(1))]), 0)
          throw new Error("power")
        })
      )
      assert.strictEqual(count("metrics"), 0)
      assert.strictEqual(take(a, batch([entry(1, "metrics", metrics(1))])).rows, 1)
    })
  )

  it.effect("removes what is too old, and of the kind that is furthest above its share while all take too much", () =>
    Effect.gen(function* () {
      const { count, database, take } = yield* opened()
      take(a, batch([entry(1, "metrics", metrics(1))]), start)
      take(a, batch([entry(2, "health", health(2))]), start + 1_000)
      take(a, batch([entry(3, "metrics", metrics(3))]), start + 2_000)
      const line = "x".repeat(1_000)
      take(a, batch([entry(4, "logs", logs(...Array.from({ length: 500 }, () => line)))]), start + 2_000)
      const retain = (nowMillis: number, kept: number, bytesMax: number) => {
        let rounds = 0
        const bounds = { bytesMax, keptMillis: everyTable(kept) }
        while (database.transaction(() => database.retain(nowMillis, bounds).more)) rounds += 1
        return rounds
      }
      const left = () => ["health", "metrics", "error_logs"].map(count)
      retain(start + 2_000, 2_000, 1e9)
      assert.deepStrictEqual(left(), [1, 2, 500])
      retain(start + 2_001, 2_000, 1e9)
      assert.deepStrictEqual(left(), [1, 1, 500])
      retain(start + 2_001, 10_000, 400_000)
      assert.deepStrictEqual(left(), [1, 1, 0], "a flood of one kind costs that kind")
      assert.strictEqual(take(a, batch([entry(4, "metrics", metrics(3))])).rows, 0, "what was taken stays known")
    })
  )

  it.effect("keeps the minutes and hours of metrics when the samples are gone", () =>
    Effect.gen(function* () {
      const { count, database, take } = yield* opened()
      take(a, batch([entry(1, "metrics", metrics(1)), entry(2, "metrics", metrics(2))]))
      const keptMillis = { ...everyTable(1e12), metrics: 1 }
      database.transaction(() => database.retain(start + 1_000, { bytesMax: 1e9, keptMillis }))
      assert.deepStrictEqual(["metrics", "metrics_minute", "metrics_hour"].map(count), [0, 1, 1])
    })
  )

  it.effect("forgets the oldest outboxes of an agent that begins one after the other", () =>
    Effect.gen(function* () {
      const { take } = yield* opened()
      for (let number = 1; number <= 70; number++) {
        take(a, batch([entry(1, "metrics", metrics(1))], { outbox_id: `o${number}` }), number)
      }
      assert.strictEqual(take(a, batch([entry(1, "metrics", metrics(1))], { outbox_id: "o70" })).rows, 0)
      assert.strictEqual(take(a, batch([entry(1, "metrics", metrics(1))], { outbox_id: "o1" })).rows, 1)
    })
  )
})

describe("The file of telemetry over time", () => {
  const taken = (file: SqliteFile, sequence: number) => {
    const database = file.database()
    return database.transaction(() => database.take(a, batch([entry(sequence, "metrics", metrics(1))]), 0)).rows
  }

  it.effect("is set aside when it is damaged or of another version, and another one begins", () =>
    Effect.gen(function* () {
      const spoil: ReadonlyArray<(path: string) => void> = [
        (path) => writeFileSync(path, "this is no database, whatever its name says".repeat(100)),
        (path) => {
          const another = new DatabaseSync(path)
          another.exec("PRAGMA user_version = 9")
          another.close()
        }
      ]
      for (const spoilt of spoil) {
        const directory = yield* temporaryDirectory("telemetry")
        const path = join(directory, "telemetry.db")
        spoilt(path)
        const file = new SqliteFile(path)
        assert.strictEqual(taken(file, 1), 1)
        file.close()
        assert.isTrue(existsSync(`${path}.damaged`), readdirSync(directory).join())
      }
    })
  )

  it.effect("is made again when somebody removes it", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory("telemetry"), "telemetry.db")
      const file = new SqliteFile(path)
      taken(file, 1)
      for (const suffix of ["", "-wal", "-shm"]) rmSync(`${path}${suffix}`, { force: true })
      assert.strictEqual(taken(file, 2), 1)
      assert.isTrue(existsSync(path))
      file.close()
    })
  )

  it.effect("says what is wrong where it cannot be, and is there as soon as it can", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory("telemetry"), "telemetry.db")
      mkdirSync(path)
      const file = new SqliteFile(path)
      assert.throws(() => file.database(), /unable to open/)
      rmSync(path, { recursive: true })
      assert.strictEqual(taken(file, 1), 1)
      file.close()
    })
  )

  it("leaves the disk to the log and the state before their alarm", () => {
    const gibibyte = 1_073_741_824
    assert.isTrue(leavesRoom(gibibyte / 2, 100 * gibibyte))
    assert.isFalse(leavesRoom(gibibyte / 2 - 1, 100 * gibibyte))
    assert.isTrue(leavesRoom(gibibyte / 10, gibibyte))
    assert.isFalse(leavesRoom(gibibyte / 11, gibibyte))
  })
})
