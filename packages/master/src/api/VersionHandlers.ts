/** What every versioned kind answers about its history (CM-003): shared by four groups of endpoints. */
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import { Effect } from "effect"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import { kindWords } from "../state/KindWords.ts"
import { Reads } from "../state/Reads.ts"
import { answerPage, pageQueryOf } from "./Pagination.ts"
import { invalid, notFound } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"

const noVersion = (kind: VersionedKind, id: string, number: number) =>
  notFound(`version ${number} of the ${kindWords[kind]}`, id)

/** The history lives on after a delete, so a resource that is gone still has versions. */
export const answerVersions = Effect.fnUntraced(function* (
  kind: VersionedKind,
  id: string,
  query: { readonly page: number; readonly per_page: number }
) {
  const reads = yield* Reads
  const index = yield* reads.appliedIndex
  const found = yield* reads.versions(kind, id, pageQueryOf(query, "version_number"))
  if (found.total === 0) return yield* Effect.fail(notFound(kindWords[kind], id))
  return yield* answerPage(query, found, index)
})

export const answerVersion = Effect.fnUntraced(function* (kind: VersionedKind, id: string, number: number) {
  const reads = yield* Reads
  const index = yield* reads.appliedIndex
  const version = yield* reads.version(kind, id, number)
  if (version === undefined) return yield* Effect.fail(noVersion(kind, id, number))
  yield* answerHeaders(indexHeader(index))
  return { data: version }
})

export const answerDiff = Effect.fnUntraced(function* (
  kind: VersionedKind,
  id: string,
  query: { readonly from: number; readonly to: number }
) {
  const reads = yield* Reads
  const index = yield* reads.appliedIndex
  const from = yield* reads.version(kind, id, query.from)
  if (from === undefined) return yield* Effect.fail(noVersion(kind, id, query.from))
  const to = yield* reads.version(kind, id, query.to)
  if (to === undefined) return yield* Effect.fail(noVersion(kind, id, query.to))
  yield* answerHeaders(indexHeader(index))
  return { data: yield* (yield* ConfigEngine).versionDiff(kind, from, to) }
})

/** The snapshot to go back to, with everything that is in it; a version that says "deleted" has none. */
export const snapshotToRestore = Effect.fnUntraced(function* (kind: VersionedKind, id: string, number: number) {
  const version = yield* (yield* Reads).version(kind, id, number)
  if (version === undefined) return yield* Effect.fail(noVersion(kind, id, number))
  if (version.data === null) {
    return yield* Effect.fail(
      invalid([{ field: "version", message: "is the one that deleted the resource: choose one before it" }])
    )
  }
  return version.data
})
