/** Pages of rows. */
import type { Connection } from "./Connection.ts"
import { type Kind, type ResourceOf, tables } from "./Kinds.ts"
import { listable, type Listing, type ListQuery } from "./Listable.ts"
import { listStatement } from "./ListStatement.ts"

export interface Page<A> {
  readonly items: ReadonlyArray<A>
  /** Of all pages together. */
  readonly total: number
}

interface Source {
  readonly table: string
  readonly columns: string
  readonly tieBreaker: string
  readonly listing: Listing
}

export const listPage = <R extends object>(
  connection: Connection,
  { columns, listing, table, tieBreaker }: Source,
  query: ListQuery
): Page<R> => {
  const { count, filters, select, window } = listStatement(table, columns, tieBreaker, listing, query)
  const items = connection.all<R>(select, ...filters, ...window)
  const total = connection.get<{ readonly total: number }>(count, ...filters)?.total ?? 0
  return { items, total }
}

export const listResources = <K extends Kind>(
  connection: Connection,
  kind: K,
  query: ListQuery
): Page<ResourceOf<K>> => {
  const source = { table: tables[kind].table, columns: "data", tieBreaker: "id", listing: listable[kind] }
  const { items, total } = listPage<{ readonly data: string }>(connection, source, query)
  return { items: items.map(({ data }) => JSON.parse(data) as ResourceOf<K>), total }
}
