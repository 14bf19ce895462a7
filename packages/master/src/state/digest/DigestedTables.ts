/** Which rows a digest is of, and how a row is written for it. */
import type { Connection } from "../Connection.ts"

/**
 * Tables that masters may have different rows in after the same entry. Every other one is in the digest, also one that comes
 * later. Raft's sessions are written at the end of a batch, and masters cut batches differently: between two entries of one
 * batch, where a check may stand, they differ.
 */
export const tablesLeftOut: ReadonlySet<string> = new Set(["meta", "raft_sessions", "raft_answers"])

export interface DigestedTable {
  readonly name: string
  readonly columns: ReadonlyArray<string>
}

export const digestedTables = (connection: Connection): ReadonlyArray<DigestedTable> =>
  connection
    .all<{ readonly name: string }>(
      "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
    )
    .filter(({ name }) => !tablesLeftOut.has(name))
    .map(({ name }) => ({
      name,
      columns: connection
        .all<{ readonly name: string }>("SELECT name FROM pragma_table_info(?, 'main') ORDER BY name", name)
        .map((column) => column.name)
    }))

/**
 * SQL: the row as text that no other row has. Each column by its name's order, its length in front, none for NULL. Not JSON,
 * which versions of SQLite may write differently; tables are STRICT, so that a number is never mistaken for its text.
 * Masters of different builds compare what comes of it: another way of writing needs another cluster version. `prefix` is as
 * in `NEW.`.
 */
export const rowText = ({ columns, name }: DigestedTable, prefix = ""): string =>
  `concat('${name}'${columns.map((column) => `, ',', octet_length(${prefix}"${column}"), ':', ${prefix}"${column}"`).join("")})`
