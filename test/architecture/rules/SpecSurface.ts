import type { SpecRow } from "../SpecTable.ts"

/** What the code offers, by the names that the table of the specification uses. */
export interface Surface {
  /** As in `GET /api/v1/agents/{id}`. */
  readonly endpoints: ReadonlySet<string>
  /** As in `Agent.name`. */
  readonly fields: ReadonlySet<string>
  /** As in `AgentState.Online`. */
  readonly values: ReadonlySet<string>
  /** As in `agent:read`, and `viewer:agent:read` for what a built-in role may do. */
  readonly permissions: ReadonlySet<string>
  /** Every text in the sources, for names that exist at run time only. */
  readonly sources: string
}

const where: Readonly<Record<SpecRow["kind"], string>> = {
  endpoint: "add it to the HttpApi in protocol/api",
  field: "add it to its schema",
  value: "add it to its schema",
  permission: "add it to protocol/model/Permission",
  metric: "register it under this name",
  span: "annotate the span with this name",
  page: "say in rules/SpecSurface.ts how pages are found"
}

const offers = (row: SpecRow, surface: Surface): boolean => {
  const name = row.as ?? row.name
  switch (row.kind) {
    case "endpoint":
      return surface.endpoints.has(name)
    case "field":
      return surface.fields.has(name)
    case "value":
      return surface.values.has(name)
    case "permission":
      return surface.permissions.has(name)
    case "metric":
    case "span":
      return surface.sources.includes(`"${name}"`)
    case "page":
      return false
  }
}

/** Rows marked *now* that the code does not have. */
export const missingRows = (table: ReadonlyArray<SpecRow>, surface: Surface): ReadonlyArray<string> =>
  table
    .filter((row) => row.when === "now" && !offers(row, surface))
    .map((row) => `${row.source}: ${row.kind} ${row.as ?? row.name} is missing: ${where[row.kind]}`)

/** Rows that say the same twice, unless the specification does too (in another section). */
export const repeatedRows = (table: ReadonlyArray<SpecRow>): ReadonlyArray<string> => {
  const keys = table.map((row) => `${row.source} ${row.kind} ${row.name}`)
  return keys.filter((key, index) => keys.indexOf(key) < index).map((key) => `${key} stands in the table twice`)
}
