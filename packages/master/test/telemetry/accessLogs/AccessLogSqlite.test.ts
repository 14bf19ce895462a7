import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { DatabaseSync } from "node:sqlite"
import { accessLogColumns, accessLogIndexes } from "../../../src/telemetry/accessLogs/AccessLogTable.ts"
import { pageSql } from "../../../src/telemetry/accessLogs/AccessLogPageSql.ts"
import { scanEnd, walkOf } from "../../../src/telemetry/accessLogs/FilterSql.ts"
import type { SqlRow } from "../../../src/telemetry/TelemetrySql.ts"
import { expect, test } from "vitest"
import { agents, beginMillis, randomFilter, randomLine, type RandomLine } from "./RandomLines.ts"
import { expectAggregates, expectPages, type Run } from "./SqlAgainstPredicate.ts"

/** The columns and indexes of the store, in memory. */
const storeOf = (lines: ReadonlyArray<RandomLine>) => {
  const database = new DatabaseSync(":memory:")
  database.exec(`CREATE TABLE agents (id INTEGER PRIMARY KEY, agent_id TEXT NOT NULL UNIQUE);
    CREATE TABLE positions (id INTEGER PRIMARY KEY, outbox_id TEXT);
    CREATE TABLE access_logs (id INTEGER PRIMARY KEY, agent INTEGER, at INTEGER, received INTEGER, outbox INTEGER,
      sequence INTEGER, line INTEGER, ${accessLogColumns.map(({ name, type }) => `${name} ${type}`).join(", ")});`)
  for (const { columns, name, where } of accessLogIndexes) {
    database.exec(`CREATE INDEX ${name} ON access_logs (${columns})${where === undefined ? "" : ` WHERE ${where}`}`)
  }
  for (const agent of agents) database.prepare("INSERT INTO agents (agent_id) VALUES (?)").run(agent)
  const names = accessLogColumns.map(({ name }) => name)
  const insert = database.prepare(
    `INSERT INTO access_logs (agent, at, received, line, ${names.join(", ")}) VALUES (?, ?, 0, 0, ${names.map(() => "?").join(", ")})`
  )
  for (const { agentId, atMillis, columns } of lines) {
    insert.run(agents.indexOf(agentId) + 1, atMillis, ...names.map((name) => columns[name]))
  }
  return database
}

const runIn =
  (database: DatabaseSync): Run =>
  async ({ parameters, text }) =>
    database.prepare(text).all(...parameters) as unknown as ReadonlyArray<SqlRow>

const random = new SeededRandom(6)
const lines = Array.from({ length: 600 }, () => randomLine(random))

test("SQLite gives exactly the lines that the predicate takes, page by page", async () => {
  using database = storeOf(lines)
  let found = 0
  for (let round = 0; round < 100; round++) found += await expectPages(runIn(database), "sqlite", lines, random)
  expect(found).toBeGreaterThan(500)
})

test("SQLite counts what the predicate takes, by group and time", async () => {
  using database = storeOf(lines)
  for (let round = 0; round < 60; round++) await expectAggregates(runIn(database), "sqlite", lines, random)
})

test("no value of a filter is ever part of the SQL", () => {
  for (let round = 0; round < 200; round++) {
    const filter = { ...randomFilter(random), host: "'; DROP TABLE access_logs --", text: "\"'`;--" }
    for (const dialect of ["sqlite", "postgres"] as const) {
      const { parameters, text } = pageSql({ filter, after: null, limit: 10 }, { dialect, master: "", scanMax: 100 })
      expect(text).not.toMatch(/DROP|`|"'/)
      expect(text.match(/\?/g)?.length ?? 0).toBe(parameters.length)
    }
  }
})

test("looks at no more lines than allowed, and says from which time on it would", () => {
  using database = storeOf(lines)
  const filter = {
    ...randomFilter(new SeededRandom(1)),
    fromMillis: beginMillis,
    toMillis: beginMillis + 60_000,
    agentIds: null,
    host: null,
    statusMin: null,
    requestId: null
  }
  const at = (scanMax: number) => {
    const { parameters, text } = scanEnd(walkOf(filter, "sqlite"), "sqlite", scanMax)
    return database.prepare(text).get(...parameters)?.["at"]
  }
  const times = lines.map(({ atMillis }) => atMillis).toSorted((left, right) => right - left)
  expect(at(100)).toBe(times[100])
  expect(at(600)).toBeUndefined()
})
