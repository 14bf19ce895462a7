/** A list's query as SQL. Pure; a name that is not on the allow-list throws, for the API has refused it before. */
import type { SqlValue } from "./Connection.ts"
import type { Visible } from "@nxmesh/protocol/model/Access"
import type { Listing, ListQuery, Place } from "./Listable.ts"

export interface ListStatement {
  readonly select: string
  readonly count: string
  readonly filters: ReadonlyArray<SqlValue>
  readonly window: readonly [limit: number, offset: number]
}

interface Condition {
  readonly sql: string
  readonly values: ReadonlyArray<SqlValue>
}

/** Label keys hold no quotes or backslashes (Kubernetes' rule); any that does finds nothing. */
const labelCondition = (text: string): Condition => {
  const pairs = text.split(",").map((pair) => {
    const equals = pair.indexOf("=")
    return equals < 0 ? [pair, ""] : [pair.slice(0, equals), pair.slice(equals + 1)]
  })
  return {
    sql: pairs
      .map(() => "EXISTS (SELECT 1 FROM json_each(data, '$.labels') WHERE key = ? AND value = ?)")
      .join(" AND "),
    values: pairs.flat()
  }
}

const organizations = "SELECT value FROM json_each(?)"
const workspaces = "SELECT value FROM json_each(?)"

/** Ids go as one JSON text each, so that the statement is the same whatever their number. */
const visibleCondition = (place: Place | undefined, visible: Visible | undefined): ReadonlyArray<Condition> => {
  if (visible === undefined || visible === "all") return []
  const byOrganization = [JSON.stringify(visible.organizationIds)]
  const byBoth = [JSON.stringify(visible.workspaceIds), ...byOrganization]
  switch (place) {
    case undefined:
      return [{ sql: "0", values: [] }]
    case "itself_organization":
      return [{ sql: `id IN (${organizations})`, values: byOrganization }]
    case "organization":
      return [{ sql: `organization_id IN (${organizations})`, values: byOrganization }]
    case "data":
      return [{ sql: `data ->> 'organization_id' IN (${organizations})`, values: byOrganization }]
    case "itself_workspace":
      return [{ sql: `(id IN (${workspaces}) OR organization_id IN (${organizations}))`, values: byBoth }]
    case "either":
      return [{ sql: `(workspace_id IN (${workspaces}) OR organization_id IN (${organizations}))`, values: byBoth }]
    case "workspace":
      return [
        {
          sql: `workspace_id IN (${workspaces} UNION SELECT id FROM workspaces WHERE organization_id IN (${organizations}))`,
          values: byBoth
        }
      ]
  }
}

const allowed = (names: ReadonlyArray<string>, name: string, what: string): string => {
  if (!names.includes(name)) throw new RangeError(`a list cannot be ${what} by ${name}`)
  return name
}

export const listStatement = (
  table: string,
  columns: string,
  tieBreaker: string,
  listing: Listing,
  query: ListQuery
): ListStatement => {
  const asked = Object.entries(query.filters).map(([name, value]): Condition => {
    const column = allowed(listing.filter, name, "filtered")
    return column === "labels" ? labelCondition(value) : { sql: `${column} = ?`, values: [value] }
  })
  const conditions = [...asked, ...visibleCondition(listing.place, query.within)]
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`
  const direction = query.descending ? "DESC" : "ASC"
  const order = `${allowed(listing.sort, query.sort, "sorted")} ${direction}, ${tieBreaker} ${direction}`
  return {
    select: `SELECT ${columns} FROM ${table}${where} ORDER BY ${order} LIMIT ? OFFSET ?`,
    count: `SELECT count(*) AS total FROM ${table}${where}`,
    filters: conditions.flatMap(({ values }) => values),
    window: [query.perPage, (query.page - 1) * query.perPage]
  }
}
