/** Removes what is too old or too much from telemetry.db, a bounded part at a time: intake goes on in between. */
import { Limits } from "../../Limits.ts"
import { kindToCut, type RetainedTable, type RetentionBounds, tablesOf } from "../Retention.ts"
import { type TelemetryKind, telemetryKinds } from "../TelemetryStore.ts"
import { tables } from "../TelemetryTables.ts"
import type { Statements } from "./Statements.ts"

const { telemetry: limits } = Limits
const tableNames = Object.keys(tables) as ReadonlyArray<RetainedTable>

export class SqliteRetention {
  private readonly statements: Statements

  constructor(statements: Statements) {
    this.statements = statements
  }

  /** Inside a transaction. True when there may be more. */
  retain(nowMillis: number, { bytesMax, keptMillis }: RetentionBounds): boolean {
    // One of each is enough to find, so that old rows of one kind do not hold up those of another.
    const old = tableNames.map((table) => this.removeOld(table, nowMillis - keptMillis[table]))
    if (old.some((count) => count >= limits.rowsRemovedTogether)) return true
    const kind = kindToCut(this.bytes(), bytesMax)
    return kind !== null && this.removeOldest(kind)
  }

  /** Of pages that hold something: SQLite uses the others again. */
  usedBytes(): number {
    const [pages, free, size] = ["page_count", "freelist_count", "page_size"].map((name) =>
      Number(this.statements.one(`PRAGMA ${name}`)?.[name])
    ) as [number, number, number]
    return (pages - free) * size
  }

  /** What is used, divided by what a page's worth of each kind's rows takes: counting all would read all. */
  private bytes(): Readonly<Record<TelemetryKind, number>> {
    const weights = telemetryKinds.map((kind) => tablesOf[kind].reduce((sum, table) => sum + this.weight(table), 0))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    const used = this.usedBytes()
    return Object.fromEntries(
      telemetryKinds.map((kind, index) => [kind, total === 0 ? 0 : ((weights[index] ?? 0) / total) * used])
    ) as Record<TelemetryKind, number>
  }

  /** Ids are without gaps, but for the oldest, which go first. */
  private weight(table: RetainedTable): number {
    if (!tables[table].hasId) return 0
    const { newest, oldest } = this.statements.one(`SELECT min(id) AS oldest, max(id) AS newest FROM ${table}`) ?? {}
    if (oldest === null || newest === null || oldest === undefined || newest === undefined) return 0
    const columns = tables[table].columns
      .map(({ name, type }) => (type === "text" ? `coalesce(length(${name}), 0)` : "9"))
      .join(" + ")
    const sample = this.statements.one(
      `SELECT avg(bytes) AS bytes FROM (SELECT ${columns} AS bytes FROM ${table} ORDER BY id DESC LIMIT 200)`
    )
    return (Number(newest) - Number(oldest) + 1) * Number(sample?.["bytes"] ?? 0)
  }

  private removeOld(table: RetainedTable, beforeMillis: number): number {
    return tables[table].hasId
      ? this.statements.run(
          `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} ORDER BY id LIMIT ?) AND received < ?`,
          [limits.rowsRemovedTogether, beforeMillis]
        )
      : this.statements.run(
          `DELETE FROM ${table} WHERE (series, at) IN (SELECT series, at FROM ${table} WHERE at < ? ORDER BY at LIMIT ?)`,
          [beforeMillis, limits.rowsRemovedTogether]
        )
  }

  /** The finest of a kind first: where metrics give way, an hour's row is worth most. */
  private removeOldest(kind: TelemetryKind): boolean {
    return tablesOf[kind].some((table) => this.removeOld(table, Number.MAX_SAFE_INTEGER) > 0)
  }
}
