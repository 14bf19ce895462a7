/**
 * The digest of the replicated rows (rule 12), kept by SQLite itself: temporary triggers on apply's connection change it with
 * every row, in the same transaction. So whatever is rolled back, a statement, a savepoint or all of it, does not count.
 *
 * It is this master's own note, in `meta`, and no replicated row. `digest_index` says of which entry it is: a build that
 * does not keep it leaves it behind the state, and then it is made anew.
 */
import type { Connection } from "../Connection.ts"
import { putMeta, readMeta } from "../Meta.ts"
import { stepFunction, sumFunction } from "./DigestFunctions.ts"
import { type DigestedTable, digestedTables, rowText } from "./DigestedTables.ts"
import { addDigests, type Digest, digestDifference, emptyDigest } from "./RowDigest.ts"

const trigger = "digest_of_"
const followTrigger = "digest_index_follows"

const tableDigest = (connection: Connection, name: string, row: string): Digest =>
  connection.get<{ readonly part: Digest }>(`SELECT ${sumFunction}(${row}) AS part FROM main."${name}"`)?.part ??
  emptyDigest

/** Of all rows, read one by one: seconds for a large state. */
export const fullDigest = (connection: Connection): Digest =>
  digestedTables(connection).reduce(
    (digest, table) => addDigests(digest, tableDigest(connection, table.name, rowText(table))),
    emptyDigest
  )

/** As kept; `undefined` where nobody keeps one. */
export const stateDigest = (connection: Connection): Digest | undefined => readMeta(connection, "digest")

const step = (before: string, after: string): string =>
  `UPDATE meta SET value = ${stepFunction}(value, ${before}, ${after}) WHERE name = 'digest';`

const triggersOf = (table: DigestedTable): string => {
  const old = rowText(table, "OLD.")
  const fresh = rowText(table, "NEW.")
  const on = (event: string, action: string): string =>
    `CREATE TEMP TRIGGER "${trigger}${table.name}_${event}" AFTER ${event} ON main."${table.name}" BEGIN ${action} END;`
  return on("INSERT", step("NULL", fresh)) + on("UPDATE", step(old, fresh)) + on("DELETE", step(old, "NULL"))
}

const follow =
  `CREATE TEMP TRIGGER ${followTrigger} AFTER INSERT ON main.meta WHEN NEW.name = 'applied_index' ` +
  "BEGIN UPDATE meta SET value = NEW.value WHERE name = 'digest_index'; END;"

const isKept = (connection: Connection): boolean =>
  connection.get("SELECT 1 FROM temp.sqlite_schema WHERE name = ?", followTrigger) !== undefined

const stopKeeping = (connection: Connection): void => {
  for (const { name } of connection.all<{ readonly name: string }>(
    "SELECT name FROM temp.sqlite_schema WHERE type = 'trigger' AND name LIKE 'digest!_%' ESCAPE '!'"
  )) {
    connection.execute(`DROP TRIGGER temp."${name}"`)
  }
}

const keep = (connection: Connection): void =>
  connection.execute(digestedTables(connection).map(triggersOf).join("") + follow)

/** Apply's connection, when the state was opened: the digest is right afterwards, and stays so as long as this connection alone writes. */
export const keepDigest = (connection: Connection): void => {
  // Without it SQLite tells no trigger of a row that REPLACE removes.
  connection.execute("PRAGMA recursive_triggers = ON; BEGIN IMMEDIATE")
  try {
    const index = readMeta(connection, "applied_index") ?? "0"
    if (readMeta(connection, "digest_index") !== index || stateDigest(connection) === undefined) {
      putMeta(connection, "digest", fullDigest(connection))
      putMeta(connection, "digest_index", index)
    }
    stopKeeping(connection)
    keep(connection)
    connection.execute("COMMIT")
  } catch (cause) {
    connection.execute("ROLLBACK")
    throw cause
  }
}

/** What the digest of before lacks: tables that came, and what columns that came add to the rows. */
const comeSince = (connection: Connection, before: ReadonlyArray<DigestedTable>): Digest =>
  digestedTables(connection).reduce((digest, table) => {
    const old = before.find(({ name }) => name === table.name)
    if (old !== undefined && rowText(old) === rowText(table)) return digest
    const after = tableDigest(connection, table.name, rowText(table))
    const counted = old === undefined ? emptyDigest : tableDigest(connection, table.name, rowText(old))
    return addDigests(digest, digestDifference(counted, after))
  }, emptyDigest)

/**
 * Runs what makes tables and columns, inside a transaction. It reads anew only the tables that it changes, for apply waits;
 * all of them when a table goes. A column that goes is refused by SQLite, whose triggers name it.
 */
export const changingTables = (connection: Connection, change: () => void): void => {
  if (!isKept(connection)) return change()
  const before = digestedTables(connection)
  change()
  connection.forget()
  const names = new Set(digestedTables(connection).map(({ name }) => name))
  if (before.every(({ name }) => names.has(name))) correctDigest(connection, comeSince(connection, before))
  else putMeta(connection, "digest", fullDigest(connection))
  stopKeeping(connection)
  keep(connection)
}

/** The rows were found to differ from the digest: it is theirs from here on, so that the next check tells the others. */
export const correctDigest = (connection: Connection, difference: Digest): void => {
  const digest = stateDigest(connection)
  if (digest !== undefined) putMeta(connection, "digest", addDigests(digest, difference))
}
