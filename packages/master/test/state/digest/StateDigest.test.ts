import { assert, describe, it } from "@effect/vitest"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { Effect } from "effect"
import { join } from "node:path"
import { type Connection, openConnection } from "../../../src/state/Connection.ts"
import { digestedTables, tablesLeftOut } from "../../../src/state/digest/DigestedTables.ts"
import { digestDifference } from "../../../src/state/digest/RowDigest.ts"
import {
  changingTables,
  correctDigest,
  fullDigest,
  keepDigest,
  stateDigest
} from "../../../src/state/digest/StateDigest.ts"
import { migrate } from "../../../src/state/Migrations.ts"
import { temporaryDirectory } from "../TestMaster.ts"

const tables = `
  CREATE TABLE plain (a TEXT, "before" TEXT, n INTEGER) STRICT;
  CREATE TABLE keyed (id TEXT PRIMARY KEY, name TEXT UNIQUE, n INTEGER) STRICT;
  CREATE TABLE rowless (a TEXT NOT NULL, b INTEGER NOT NULL, c TEXT, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
  CREATE TABLE parents (id INTEGER PRIMARY KEY, name TEXT) STRICT;
  CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id) ON DELETE CASCADE ON UPDATE CASCADE,
    bytes BLOB) STRICT;
`

const opened = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => openConnection(file, { readOnly: false, busyMillisMax: 1_000 })),
    (connection) => Effect.sync(connection.close)
  )

/** An empty state with some tables more, of every sort that SQLite has. */
const begun = Effect.fnUntraced(function* (file: string) {
  const connection = yield* opened(file)
  connection.execute("PRAGMA journal_mode = WAL; PRAGMA trusted_schema = OFF; PRAGMA foreign_keys = ON")
  migrate(connection)
  connection.execute(tables)
  keepDigest(connection)
  return connection
})

const inDirectory = Effect.map(temporaryDirectory, (directory) => join(directory, "state.db"))

const isRight = (connection: Connection, message = ""): void =>
  assert.strictEqual(stateDigest(connection), fullDigest(connection), message)

/** One statement, valid or not: what fails changes nothing. */
const statementOf = (pick: (below: number) => number): string => {
  const id = pick(8)
  const name = ["NULL", "''", "'a'", "'b,1:'", "'ü\u{1f600}'", "char(0, 65)"][pick(6)]
  const statements = [
    `INSERT INTO plain VALUES (${name}, ${name}, ${pick(3)})`,
    `INSERT INTO plain SELECT name, id, n FROM keyed`,
    `UPDATE plain SET n = n + 1, "before" = a`,
    `DELETE FROM plain`,
    `DELETE FROM plain WHERE n = ${pick(3)}`,
    `INSERT INTO keyed VALUES ('${id}', ${name}, ${pick(3)})`,
    `INSERT OR REPLACE INTO keyed VALUES ('${id}', ${name}, ${pick(3)})`,
    `INSERT OR IGNORE INTO keyed VALUES ('${id}', ${name}, ${pick(3)})`,
    `UPDATE OR REPLACE keyed SET name = ${name} WHERE id < '${id}'`,
    `UPDATE keyed SET id = id || 'x' WHERE id = '${id}'`,
    `INSERT INTO keyed VALUES ('${id}', 'c', 1) ON CONFLICT (id) DO UPDATE SET n = excluded.n + n`,
    // Fails at the second row, after the first.
    `INSERT INTO keyed VALUES ('new', 'new', 1), ('new', 'other', 2)`,
    `INSERT OR REPLACE INTO rowless VALUES ('${id}', ${pick(2)}, ${name})`,
    `UPDATE OR REPLACE rowless SET b = 0`,
    `DELETE FROM rowless`,
    `INSERT OR IGNORE INTO parents VALUES (${id}, ${name})`,
    `INSERT OR REPLACE INTO children VALUES (${pick(20)}, ${id}, x'00ff')`,
    `DELETE FROM parents WHERE id = ${id}`,
    `UPDATE OR IGNORE parents SET id = id + 100 WHERE id = ${id}`,
    `REPLACE INTO meta (name, value) VALUES ('other', '${id}')`
  ]
  return statements[pick(statements.length)]!
}

/** Statements, savepoints that are kept and undone, and statements that fail, in one transaction that may be undone itself. */
const transaction = (connection: Connection, pick: (below: number) => number): void => {
  connection.execute("BEGIN IMMEDIATE")
  for (let round = 0; round < 6; round++) {
    connection.execute("SAVEPOINT entry")
    for (let count = pick(4); count >= 0; count--) {
      try {
        connection.execute(statementOf(pick))
      } catch {
        // As a refusal in the middle of a handler that goes on.
      }
    }
    if (pick(3) === 0) connection.execute("ROLLBACK TO entry")
    connection.execute("RELEASE entry")
    isRight(connection)
  }
  connection.execute(pick(4) === 0 ? "ROLLBACK" : "COMMIT")
}

describe("the digest of the state (rule 12)", () => {
  it.effect.each([1, 20, 300, 4_000, 50_000])(
    "kept row by row it is the digest of all rows, whatever happens to them (rule 12, seed %d)",
    (seed) =>
      Effect.gen(function* () {
        const connection = yield* begun(yield* inDirectory)
        const random = new SeededRandom(seed)
        const pick = (below: number): number => random.between(0, below - 1)
        for (let round = 0; round < 15; round++) {
          transaction(connection, pick)
          isRight(connection, `seed ${seed}, round ${round}`)
        }
      })
  )

  it.effect("goes on after a restart, and is made anew when a build that does not keep it wrote in between", () =>
    Effect.gen(function* () {
      const file = yield* inDirectory
      const put = "INSERT INTO keyed VALUES (?, ?, 1)"
      const applied = "INSERT OR REPLACE INTO meta (name, value) VALUES ('applied_index', ?)"
      const first = yield* begun(file)
      first.run(put, "1", "a")
      first.run(applied, "7")
      const digest = stateDigest(first)
      const again = yield* opened(file)
      keepDigest(again)
      assert.strictEqual(stateDigest(again), digest)
      const older = yield* opened(file)
      older.run(put, "2", "b")
      older.run(applied, "9")
      assert.strictEqual(stateDigest(older), digest)
      const newer = yield* opened(file)
      keepDigest(newer)
      isRight(newer)
      assert.notStrictEqual(stateDigest(newer), digest)
    })
  )

  it.effect("does not see a row that was changed behind apply's back, until all rows are read", () =>
    Effect.gen(function* () {
      const file = yield* inDirectory
      const connection = yield* begun(file)
      connection.run("INSERT INTO keyed VALUES ('1', 'a', 1)")
      const other = yield* opened(file)
      other.run("UPDATE keyed SET n = 2")
      const kept = stateDigest(connection)!
      const found = fullDigest(connection)
      assert.notStrictEqual(found, kept)
      // What was committed while the rows were read is in neither.
      connection.run("INSERT INTO keyed VALUES ('2', 'b', 1)")
      correctDigest(connection, digestDifference(kept, found))
      isRight(connection)
    })
  )

  it.effect.each([
    ["reading only them", ""],
    ["reading all, when one goes", "DROP TABLE plain;"]
  ] as const)(
    "tables that come and change inside a transaction are in it, and not when that is undone: %s",
    ([, more]) =>
      Effect.gen(function* () {
        const connection = yield* begun(yield* inDirectory)
        connection.execute("INSERT INTO keyed VALUES ('1', 'a', 1); INSERT INTO plain VALUES ('1', 'a', 1)")
        const change = () =>
          connection.execute(`INSERT INTO keyed VALUES ('0', 'b', 1);
          ALTER TABLE keyed ADD COLUMN more TEXT NOT NULL DEFAULT 'x'; UPDATE keyed SET more = 'y' WHERE id = '0';
          CREATE TABLE later (id TEXT PRIMARY KEY) STRICT; INSERT INTO later VALUES ('1'); DELETE FROM plain; ${more}`)
        for (const end of ["ROLLBACK TO entry; RELEASE entry", "RELEASE entry"]) {
          connection.execute("BEGIN; SAVEPOINT entry")
          changingTables(connection, change)
          connection.execute(`INSERT INTO later VALUES ('2'); ${end}; COMMIT`)
          connection.forget()
          isRight(connection, end)
          connection.run("INSERT OR REPLACE INTO keyed (id, name, n) VALUES ('1', 'a', 2)")
          isRight(connection, end)
        }
        connection.run("DELETE FROM later")
        isRight(connection)
      })
  )

  it.effect("only what masters may differ in is left out of it", () =>
    Effect.gen(function* () {
      const connection = yield* begun(yield* inDirectory)
      assert.deepStrictEqual([...tablesLeftOut], ["meta", "raft_sessions", "raft_answers"])
      const all = connection.all<{ readonly name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'")
      const digested = digestedTables(connection).map(({ name }) => name)
      assert.deepStrictEqual(
        all
          .map(({ name }) => name)
          .filter((name) => !digested.includes(name))
          .toSorted(),
        [...tablesLeftOut].toSorted()
      )
      const triggers = connection.all(
        "SELECT name FROM temp.sqlite_schema WHERE type = 'trigger' AND name LIKE 'digest_of%'"
      )
      assert.strictEqual(triggers.length, 3 * digested.length)
    })
  )
})
