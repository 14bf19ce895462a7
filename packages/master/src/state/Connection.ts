/** One SQLite connection with its statements prepared once. Synchronous: a statement takes microseconds, a context switch does too. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { defineDigestFunctions } from "./digest/DigestFunctions.ts"

export type { SQLInputValue as SqlValue } from "node:sqlite"

/**
 * Typed by the caller, who wrote the statement and knows its columns. Statements are cached by their text, so
 * text must not hold values.
 */
export interface Connection {
  readonly get: <R extends object>(sql: string, ...parameters: ReadonlyArray<SQLInputValue>) => R | undefined
  readonly all: <R extends object>(sql: string, ...parameters: ReadonlyArray<SQLInputValue>) => ReadonlyArray<R>
  /** Answers the number of rows changed. */
  readonly run: (sql: string, ...parameters: ReadonlyArray<SQLInputValue>) => number
  /** Statements without parameters, several at once. */
  readonly execute: (sql: string) => void
  /** Prepares every statement anew: SQLite answers the first use of one that is older than the schema with the old columns. */
  readonly forget: () => void
  readonly close: () => void
}

export interface ConnectionOptions {
  readonly readOnly: boolean
  /** How long a statement waits for another connection's lock. */
  readonly busyMillisMax: number
}

/** Opens the database file. Throws SQLite's error when it cannot. */
export const openConnection = (file: string, { busyMillisMax, readOnly }: ConnectionOptions): Connection => {
  const database = new DatabaseSync(file, { readOnly, timeout: busyMillisMax })
  defineDigestFunctions(database)
  const statements = new Map<string, StatementSync>()
  // Rows come without a prototype; as plain objects they compare and print as what they are.
  const prepared = (sql: string): StatementSync => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    get: <R extends object>(sql: string, ...parameters: ReadonlyArray<SQLInputValue>) => {
      const row = prepared(sql).get(...parameters)
      return row === undefined ? undefined : ({ ...row } as R)
    },
    all: <R extends object>(sql: string, ...parameters: ReadonlyArray<SQLInputValue>) =>
      prepared(sql)
        .all(...parameters)
        .map((row) => ({ ...row }) as R),
    run: (sql, ...parameters) => Number(prepared(sql).run(...parameters).changes),
    execute: (sql) => database.exec(sql),
    forget: () => statements.clear(),
    close: () => {
      statements.clear()
      database.close()
    }
  }
}

/**
 * A connection that stays while the file behind it is replaced by another. Every call is synchronous and takes what is
 * there at that moment, so no one is in the middle of a read when it changes.
 */
export const followingConnection = (current: () => Connection): Connection => ({
  get: (sql, ...parameters) => current().get(sql, ...parameters),
  all: (sql, ...parameters) => current().all(sql, ...parameters),
  run: (sql, ...parameters) => current().run(sql, ...parameters),
  execute: (sql) => current().execute(sql),
  forget: () => current().forget(),
  close: () => current().close()
})

/** Primary result codes (sqlite.org/rescode.html) after which the node must stop: the disk, memory or file is not to be trusted. */
const fatalCodes: ReadonlyMap<number, string> = new Map([
  [5, "SQLITE_BUSY"],
  [7, "SQLITE_NOMEM"],
  [8, "SQLITE_READONLY"],
  [10, "SQLITE_IOERR"],
  [11, "SQLITE_CORRUPT"],
  [13, "SQLITE_FULL"],
  [14, "SQLITE_CANTOPEN"],
  [26, "SQLITE_NOTADB"]
])

/** The name of the fatal condition that the error reports, or `undefined` when it is an ordinary failure of one statement. */
export const fatalCondition = (error: unknown): string | undefined => {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return undefined
  return typeof error.errcode === "number" ? fatalCodes.get(error.errcode & 0xff) : undefined
}
