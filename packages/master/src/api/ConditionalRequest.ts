/** Conditional requests (RFC 9110, section 13): a resource's ETag is its revision, quoted. */
import { etagOf } from "@nxmesh/protocol/model/Resource"
import { Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"

/** The revision that a change is based on; `null` when the client set none (`*` asks only that it exists). */
export const ifMatchRevision = (header: string | undefined): number | null =>
  header === undefined || header === "*" ? null : Number(header.slice(1, -1))

/** Whether the client already has what the ETag names. Weak and strong tags compare alike here. */
export const isKnown = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  ifNoneMatch.split(",").some((tag) => tag.trim() === "*" || tag.trim().replace(/^W\//, "") === etag)

interface Revised {
  readonly revision: number
}

/** One resource with its ETag. */
export const answerOne = Effect.fnUntraced(function* <A extends Revised>(data: A, index: number) {
  yield* answerHeaders({ etag: etagOf(data.revision), ...indexHeader(index) })
  return { data }
})

/** One resource, or 304 without it when the client has this revision. Only for answers that follow from the revision alone. */
export const answerUnlessKnown = Effect.fnUntraced(function* <A extends Revised>(
  data: A,
  index: number,
  ifNoneMatch: string | undefined
) {
  const answer = yield* answerOne(data, index)
  return isKnown(ifNoneMatch, etagOf(data.revision)) ? HttpServerResponse.empty({ status: 304 }) : answer
})

/** A new resource, with where it is. */
export const answerCreated = Effect.fnUntraced(function* <A extends Revised & { readonly id: string }>(
  data: A,
  index: number,
  collection: string
) {
  yield* answerHeaders({ location: `/api/v1/${collection}/${data.id}` })
  return yield* answerOne(data, index)
})
