/** Statements of one SQLite database, prepared once. Throws SQLite's error. */
import type { DatabaseSync, StatementSync } from "node:sqlite"
import type { SqlRow, SqlValue } from "../TelemetrySql.ts"

export class Statements {
  private readonly database: DatabaseSync
  private readonly prepared = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  /** How many rows it changed. */
  run(sql: string, parameters: ReadonlyArray<SqlValue>): number {
    return Number(this.statement(sql).run(...parameters).changes)
  }

  one(sql: string, ...parameters: ReadonlyArray<SqlValue>): SqlRow | undefined {
    return this.statement(sql).get(...parameters) as SqlRow | undefined
  }

  all(sql: string, ...parameters: ReadonlyArray<SqlValue>): ReadonlyArray<SqlRow> {
    return this.statement(sql).all(...parameters) as unknown as ReadonlyArray<SqlRow>
  }

  forget(): void {
    this.prepared.clear()
  }

  private statement(sql: string): StatementSync {
    const statement = this.prepared.get(sql) ?? this.database.prepare(sql)
    this.prepared.set(sql, statement)
    return statement
  }
}
