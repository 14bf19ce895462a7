/** The query of a list: which page, in which order, and which of them. An unknown key is refused by name. */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"
import { withDefault } from "../model/Resource.ts"

const pageNumber = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Limits.pageMax }))
const perPage = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: Limits.perPageMax }))

/** Page and size alone, for lists that have one natural order. */
export const pageQuery = Schema.Struct({
  page: withDefault(pageNumber, 1),
  per_page: withDefault(perPage, Limits.perPageDefault)
})

/** A text to filter by: equality. */
export const filterText = Schema.String.check(Schema.isMaxLength(Limits.urlCharactersMax))

/** The columns a list may be sorted by, ascending; with `-` in front, descending. */
type SortKey<Column extends string> = Column | `-${Column}`

/**
 * `sort` names a column, with `-` in front for descending order; every filter is optional and all that are given must
 * match.
 */
export const listQuery = <const Column extends string, const Filters extends Schema.Struct.Fields>(
  columns: ReadonlyArray<Column>,
  sort: NoInfer<SortKey<Column>>,
  filters: Filters
) => {
  const keys = columns.flatMap((column): ReadonlyArray<SortKey<Column>> => [column, `-${column}`])
  return Schema.Struct({
    ...pageQuery.fields,
    sort: withDefault(Schema.Literals(keys), sort as SortKey<Column>),
    ...filters
  })
}
