/** The forms of answers (MF-001): one resource, or a page of them. */
import { Schema } from "effect"

export const PageMeta = Schema.Struct({
  page: Schema.Int,
  per_page: Schema.Int,
  total: Schema.Int
}).annotate({ identifier: "PageMeta" })
export type PageMeta = typeof PageMeta.Type

/** Paths with their query; `null` where there is no such page. */
export const PageLinks = Schema.Struct({
  self: Schema.String,
  next: Schema.NullOr(Schema.String),
  prev: Schema.NullOr(Schema.String)
}).annotate({ identifier: "PageLinks" })
export type PageLinks = typeof PageLinks.Type

/** One resource: `{ "data": … }`. */
export const one = <S extends Schema.Top>(data: S) => Schema.Struct({ data })

/** A page of resources: `{ "data": […], "meta": …, "links": … }`. */
export const page = <S extends Schema.Top>(item: S) =>
  Schema.Struct({ data: Schema.Array(item), meta: PageMeta, links: PageLinks })

export interface Page<A> {
  readonly data: ReadonlyArray<A>
  readonly meta: PageMeta
  readonly links: PageLinks
}
