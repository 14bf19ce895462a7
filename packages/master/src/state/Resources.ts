/** Resources by kind in their tables: one row each, the whole resource as JSON beside the columns that find it. */
import type { Connection, SqlValue } from "./Connection.ts"
import { type Kind, type ResourceOf, tables } from "./Kinds.ts"

interface DataRow {
  readonly data: string
}

/** Rows were written from values that their schema typed, so reading them back trusts the text. */
const parse = <K extends Kind>(_kind: K, row: DataRow): ResourceOf<K> => JSON.parse(row.data) as ResourceOf<K>

export const findResource = <K extends Kind>(
  connection: Connection,
  kind: K,
  id: string
): ResourceOf<K> | undefined => {
  const row = connection.get<DataRow>(`SELECT data FROM ${tables[kind].table} WHERE id = ?`, id)
  return row === undefined ? undefined : parse(kind, row)
}

/** The resource whose columns have these values; columns are named by code, never by a client. */
export const findResourceBy = <K extends Kind>(
  connection: Connection,
  kind: K,
  columns: Readonly<Record<string, SqlValue>>
): ResourceOf<K> | undefined => {
  const names = Object.keys(columns)
  const where = names.map((name) => `${name} = ?`).join(" AND ")
  const row = connection.get<DataRow>(
    `SELECT data FROM ${tables[kind].table} WHERE ${where} LIMIT 1`,
    ...Object.values(columns)
  )
  return row === undefined ? undefined : parse(kind, row)
}

/** The resources of the kind whose columns have these values, by id; all of them without a limit. */
export const resourcesBy = <K extends Kind>(
  connection: Connection,
  kind: K,
  columns: Readonly<Record<string, SqlValue>>,
  limit = -1
): ReadonlyArray<ResourceOf<K>> => {
  const where = Object.keys(columns).map((name) => `${name} = ?`)
  return connection
    .all<DataRow>(
      `SELECT data FROM ${tables[kind].table}${where.length === 0 ? "" : ` WHERE ${where.join(" AND ")}`} ORDER BY id LIMIT ?`,
      ...Object.values(columns),
      limit
    )
    .map((row) => parse(kind, row))
}

const upsert = (kind: Kind): string => {
  const { columns, table } = tables[kind]
  const names = ["id", "created_at", "updated_at", "revision", ...Object.keys(columns), "data"]
  const updates = names.slice(1).map((name) => `${name} = excluded.${name}`)
  const marks = names.map(() => "?").join(", ")
  return `INSERT INTO ${table} (${names.join(", ")}) VALUES (${marks}) ON CONFLICT (id) DO UPDATE SET ${updates.join(", ")}`
}
const upserts = new Map<Kind, string>()

export const putResource = <K extends Kind>(connection: Connection, kind: K, resource: ResourceOf<K>): void => {
  let sql = upserts.get(kind)
  if (sql === undefined) upserts.set(kind, (sql = upsert(kind)))
  const values = Object.values(tables[kind].columns).map((column) => column(resource))
  const { created_at, id, revision, updated_at } = resource
  connection.run(sql, id, created_at, updated_at, revision, ...values, JSON.stringify(resource))
}

export const removeResource = (connection: Connection, kind: Kind, id: string): void => {
  connection.run(`DELETE FROM ${tables[kind].table} WHERE id = ?`, id)
}
