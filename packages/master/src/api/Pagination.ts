/** Lists: from the query of a request to the question that the state is asked, and back to pages with links. */
import type { Page } from "@nxmesh/protocol/api/Envelope"
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import type { ListQuery } from "../state/Listable.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"

interface PageRequest {
  readonly page: number
  readonly per_page: number
}

interface ListRequest extends PageRequest {
  readonly sort: string
}

/** Everything in the query that is not about paging or order is a filter. */
export const listQueryOf = (query: ListRequest, more: Readonly<Record<string, string>> = {}): ListQuery => {
  const { page, per_page, sort, ...filters } = query
  return {
    page,
    perPage: per_page,
    sort: sort.replace(/^-/, ""),
    descending: sort.startsWith("-"),
    filters: {
      ...Object.fromEntries(
        Object.entries(filters).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))
      ),
      ...more
    }
  }
}

/** A list that has one order alone. */
export const pageQueryOf = ({ page, per_page }: PageRequest, sort: string): ListQuery => ({
  page,
  perPage: per_page,
  sort,
  descending: true,
  filters: {}
})

/** The request's own path and query with another page. */
export const pageLink = (url: string, page: number): string => {
  const [path = "", query = ""] = url.split("?", 2)
  const parameters = new URLSearchParams(query)
  parameters.set("page", String(page))
  return `${path.replace(/\/{2,}/g, "/")}?${parameters.toString()}`
}

/** Pure: a page of items and where its neighbours are. */
export const pageOf = <A>(
  url: string,
  { page, per_page }: PageRequest,
  { items, total }: { readonly items: ReadonlyArray<A>; readonly total: number }
): Page<A> => ({
  data: items,
  meta: { page, per_page, total },
  links: {
    self: pageLink(url, page),
    next: page * per_page < total ? pageLink(url, page + 1) : null,
    prev: page > 1 && total > 0 ? pageLink(url, Math.min(page - 1, Math.ceil(total / per_page))) : null
  }
})

export const answerPage = Effect.fnUntraced(function* <A>(
  query: PageRequest,
  found: { readonly items: ReadonlyArray<A>; readonly total: number },
  index: number
) {
  const request = yield* HttpServerRequest.HttpServerRequest
  yield* answerHeaders(indexHeader(index))
  return pageOf(request.url, query, found)
})
