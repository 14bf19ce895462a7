import { assert, describe, it } from "@effect/vitest"
import { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch, OutboxKind } from "@nxmesh/protocol/link/OutboxBatch"
import { Effect } from "effect"
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { temporaryDirectory } from "../../../../test/support/Fleet.ts"
import { TelemetryDatabase } from "../../src/telemetry/TelemetryDatabase.ts"
import { leavesRoom, TelemetryFile } from "../../src/telemetry/TelemetryFile.ts"
import { type TelemetryKind, telemetryKinds } from "../../src/telemetry/TelemetryStore.ts"

const a = AgentId.make("018f0000-0000-7000-8000-00000000000a")
const b = AgentId.make("018f0000-0000-7000-8000-00000000000b")
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

const entry = (sequence: number, kind: OutboxKind | "traces", report: unknown) => ({
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
    Effect.sync(() => new TelemetryDatabase(file)),
    (database) => Effect.sync(() => database.close())
  )
  return {
    database,
    file,
    take: (agentId: AgentId, taken: OutboxBatch, nowMillis = 1_000) =>
      database.transaction(() => database.take(agentId, taken, nowMillis)),
    read: (kind: TelemetryKind, agentId = a, limit = 100, before?: number) =>
      database.read({ agentId, kind, limit, ...(before === undefined ? {} : { before }) })
  }
})

describe("The telemetry of a master", () => {
  it.effect("takes each report once, however often its batch comes and whatever else is in it then", () =>
    Effect.gen(function* () {
      const { read, take } = yield* opened()
      const first = batch([entry(1, "metrics", metrics(1)), entry(2, "metrics", metrics(2))])
      assert.deepStrictEqual(take(a, first), { through: 2, rows: 2, undecodable: 0 })
      assert.deepStrictEqual(take(a, first), { through: 2, rows: 0, undecodable: 0 })
      const longer = batch([...first.entries, entry(1_000_003, "metrics", metrics(3))])
      assert.deepStrictEqual(take(a, longer), { through: 1_000_003, rows: 1, undecodable: 0 })
      const rows = read("metrics")
      assert.deepStrictEqual(
        rows.map(({ data, position }) => [position?.sequence, (data as ReturnType<typeof metrics>).samples[0]?.value]),
        [
          [1_000_003, 3],
          [2, 2],
          [1, 1]
        ]
      )
    })
  )

  it.effect("knows the outboxes of agents apart", () =>
    Effect.gen(function* () {
      const { read, take } = yield* opened()
      take(a, batch([entry(1, "metrics", metrics(1))]))
      take(a, batch([entry(1, "metrics", metrics(2))], { outbox_id: "two" }))
      take(b, batch([entry(1, "metrics", metrics(3))]))
      assert.deepStrictEqual(
        read("metrics").map(({ position }) => position),
        [
          { outbox_id: "two", sequence: 1, line: 0 },
          { outbox_id: "one", sequence: 1, line: 0 }
        ]
      )
      assert.lengthOf(read("metrics", b), 1)
    })
  )

  it.effect("keeps lines of logs by what they are of, in order, each with its place", () =>
    Effect.gen(function* () {
      const { read, take } = yield* opened()
      take(a, batch([entry(5, "logs", logs("GET /1", "upstream timed out", "GET /2"))]))
      const texts = (kind: TelemetryKind) =>
        read(kind)
          .map(({ data, position }) => [position?.sequence, position?.line, (data as { text: string }).text])
          .toReversed()
      assert.deepStrictEqual(texts("access_logs"), [
        [5, 0, "GET /1"],
        [5, 2, "GET /2"]
      ])
      assert.deepStrictEqual(texts("error_logs"), [[5, 1, "upstream timed out"]])
    })
  )

  it.effect("keeps one health report of one time, whether it came by itself, from the outbox, or both", () =>
    Effect.gen(function* () {
      const { database, read, take } = yield* opened()
      database.transaction(() => database.note(a, "health", JSON.stringify(health(1)), 1_000))
      take(a, batch([entry(1, "health", health(1)), entry(2, "health", health(2))]))
      assert.deepStrictEqual(
        read("health").map(({ at_millis, position }) => [at_millis, position?.sequence ?? null]),
        [
          [Date.parse(second(2)), 2],
          [Date.parse(second(1)), null]
        ]
      )
    })
  )

  it.effect("leaves out what it cannot decode and what it does not know, and says so", () =>
    Effect.gen(function* () {
      const { read, take } = yield* opened()
      const taken = take(
        a,
        batch(
          [
            entry(1, "metrics", "{"),
            entry(2, "metrics", { timestamp: "yesterday" }),
            entry(3, "traces", {}),
            entry(4, "metrics", metrics(4))
          ],
          { dropped: 7 }
        )
      )
      assert.deepStrictEqual(taken, { through: 4, rows: 1, undecodable: 3 })
      assert.deepStrictEqual(
        read("events").map(({ data }) => data),
        [
          { event: "reports_undecodable", reports: 3 },
          { event: "reports_dropped", reports: 7 }
        ]
      )
      take(a, batch([entry(5, "metrics", metrics(5))], { dropped: 9 }))
      assert.deepStrictEqual(read("events")[0]?.data, { event: "reports_dropped", reports: 2 })
    })
  )

  it.effect("keeps nothing of a transaction that fails", () =>
    Effect.gen(function* () {
      const { database, read, take } = yield* opened()
      assert.throws(() =>
        database.transaction(() => {
          database.take(a, batch([entry(1, "metrics", metrics(1))]), 0)
          throw new Error("power")
        })
      )
      assert.deepStrictEqual(read("metrics"), [])
      assert.strictEqual(take(a, batch([entry(1, "metrics", metrics(1))])).rows, 1)
    })
  )

  it.effect("answers pages, and no more than it may", () =>
    Effect.gen(function* () {
      const { read, take } = yield* opened()
      for (let first = 1; first <= 1_100; first += 100) {
        const entries = Array.from({ length: 100 }, (_, index) => entry(first + index, "metrics", metrics(1)))
        take(a, batch(entries))
      }
      assert.lengthOf(read("metrics", a, 1_000_000), 1_000)
      const page = read("metrics", a, 2)
      const next = read("metrics", a, 2, page.at(-1)?.id)
      assert.deepStrictEqual(
        [...page, ...next].map(({ position }) => position?.sequence),
        [1_100, 1_099, 1_098, 1_097]
      )
    })
  )

  it.effect("removes what is too old, then the oldest of all while it is too large", () =>
    Effect.gen(function* () {
      const { database, read, take } = yield* opened()
      take(a, batch([entry(1, "metrics", metrics(1))]), 1_000)
      take(a, batch([entry(2, "health", health(2))]), 2_000)
      take(a, batch([entry(3, "metrics", metrics(3))]), 3_000)
      const retain = (nowMillis: number, ageMaxMillis: number, bytesMax: number) => {
        let rounds = 0
        while (database.transaction(() => database.retain(nowMillis, { ageMaxMillis, bytesMax }))) rounds += 1
        return rounds
      }
      const left = () => telemetryKinds.map((kind) => read(kind).length)
      assert.strictEqual(retain(3_000, 2_000, 1e9), 0)
      assert.strictEqual(retain(3_001, 2_000, 1e9), 1)
      assert.deepStrictEqual(left(), [1, 1, 0, 0, 0])
      assert.strictEqual(retain(3_001, 10_000, 1), 2, "then nothing is left to remove")
      assert.deepStrictEqual(left(), [0, 0, 0, 0, 0])
      assert.strictEqual(take(a, batch([entry(3, "metrics", metrics(3))])).rows, 0, "what was taken stays known")
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

describe("The file of the telemetry", () => {
  const taken = (file: TelemetryFile, sequence: number) => {
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
        const file = new TelemetryFile(path)
        assert.strictEqual(taken(file, 1), 1)
        file.close()
        assert.isTrue(existsSync(`${path}.damaged`), readdirSync(directory).join())
      }
    })
  )

  it.effect("is made again when somebody removes it", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory("telemetry"), "telemetry.db")
      const file = new TelemetryFile(path)
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
      const file = new TelemetryFile(path)
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
