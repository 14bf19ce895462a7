/**
 * How fresh an answer must be (design-cluster.md 11). Without a word every request of the API sees all that was
 * acknowledged before it came, on whichever master it comes to. `consistency=stale` reads what this master has, which
 * also works without a quorum; `min_index=<n>` waits until it has entry n, as in the `x-nxmesh-index` of an earlier
 * answer. Pure: takes both words out of the query, which endpoints need not know.
 */
import type { ErrorDetail, Rejection } from "@nxmesh/protocol/Rejection"
import { rejection } from "./Refusal.ts"

export interface Freshness {
  readonly consistency: "linearizable" | "stale"
  /** The state must hold this entry; 0: no wish. */
  readonly minIndex: number
}

export type ReadRequest =
  | { readonly _tag: "Asked"; readonly url: string; readonly freshness: Freshness }
  | { readonly _tag: "Refused"; readonly rejection: Rejection }

const words = { consistency: "consistency", minIndex: "min_index" } as const

const reads: ReadonlySet<string> = new Set(["GET", "HEAD"])

const consistencyProblem = (method: string, values: ReadonlyArray<string>): ErrorDetail | null => {
  const [value, ...more] = values
  if (value === undefined) return null
  const known = (value === "linearizable" || value === "stale") && more.length === 0
  if (!known) return { field: words.consistency, message: "must be linearizable or stale" }
  return value === "stale" && !reads.has(method)
    ? { field: words.consistency, message: "stale is for reading: a change is made on the newest state" }
    : null
}

const indexProblem = (values: ReadonlyArray<string>): ErrorDetail | null => {
  const [value, ...more] = values
  if (value === undefined) return null
  return /^(0|[1-9]\d{0,15})$/.test(value) && Number.isSafeInteger(Number(value)) && more.length === 0
    ? null
    : { field: words.minIndex, message: "must be an index of the log, as in the header x-nxmesh-index" }
}

/** What the request wishes, and its URL without the words for it. `url` is a path with its query, as HTTP sends it. */
export const readRequest = (method: string, url: string): ReadRequest => {
  const start = url.indexOf("?")
  const query = new URLSearchParams(start < 0 ? "" : url.slice(start + 1))
  const consistency = query.getAll(words.consistency)
  const indexes = query.getAll(words.minIndex)
  const freshness: Freshness = {
    consistency: consistency[0] === "stale" ? "stale" : "linearizable",
    minIndex: Number(indexes[0] ?? 0)
  }
  if (consistency.length === 0 && indexes.length === 0) return { _tag: "Asked", url, freshness }
  const problems = [consistencyProblem(method, consistency), indexProblem(indexes)].filter(
    (problem) => problem !== null
  )
  if (problems.length > 0) {
    return { _tag: "Refused", rejection: rejection("VALIDATION_ERROR", "The query is not valid", problems) }
  }
  query.delete(words.consistency)
  query.delete(words.minIndex)
  const rest = query.toString()
  return { _tag: "Asked", url: url.slice(0, start) + (rest === "" ? "" : `?${rest}`), freshness }
}
