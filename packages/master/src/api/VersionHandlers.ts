/** What every versioned kind answers about its history (CM-003): shared by four groups of endpoints. */
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import type { WorkspaceId } from "@nxmesh/protocol/Ids"
import { installation } from "@nxmesh/protocol/model/Access"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import { Effect } from "effect"
import { requireAllowed } from "../auth/AccessChecks.ts"
import { ConfigEngine } from "../config/ConfigEngine.ts"
import { kindWords } from "../state/KindWords.ts"
import { Reads } from "../state/Reads.ts"
import { readPermissions, writePermission } from "../state/ResourceScope.ts"
import { answerPage, pageQueryOf } from "./Pagination.ts"
import { invalid, notFound } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"

const noVersion = (kind: VersionedKind, id: string, number: number) =>
  notFound(`version ${number} of the ${kindWords[kind]}`, id)

/**
 * The history of a deleted resource is that of the workspace which it was in. Fails as for a resource that never was when there is
 * none, or none that whoever asks may see.
 */
export const requireHistory = Effect.fnUntraced(function* (
  kind: VersionedKind,
  id: string,
  permission: Permission = readPermissions[kind]
) {
  const reads = yield* Reads
  const current = yield* reads.get(kind, id)
  const { items } = yield* reads.versions(kind, id, { page: 1, perPage: 2 })
  const last = items.find(({ data }) => data !== null)?.data as { readonly workspace_id: WorkspaceId } | undefined
  const workspaceId = current?.workspace_id ?? last?.workspace_id
  if (workspaceId === undefined) return yield* Effect.fail(notFound(kindWords[kind], id))
  const scope = (yield* reads.scopeOfWorkspace(workspaceId)) ?? installation
  yield* requireAllowed(permission, scope, { what: kindWords[kind], id }, readPermissions[kind])
})

/** The history lives on after a delete, so a resource that is gone still has versions. */
export const answerVersions = Effect.fnUntraced(function* (
  kind: VersionedKind,
  id: string,
  query: { readonly page: number; readonly per_page: number }
) {
  const reads = yield* Reads
  const index = yield* reads.appliedIndex
  yield* requireHistory(kind, id)
  const found = yield* reads.versions(kind, id, pageQueryOf(query, "version_number"))
  return yield* answerPage(query, found, index)
})

export const answerVersion = Effect.fnUntraced(function* (kind: VersionedKind, id: string, number: number) {
  const reads = yield* Reads
  const index = yield* reads.appliedIndex
  yield* requireHistory(kind, id)
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
  yield* requireHistory(kind, id)
  const from = yield* reads.version(kind, id, query.from)
  if (from === undefined) return yield* Effect.fail(noVersion(kind, id, query.from))
  const to = yield* reads.version(kind, id, query.to)
  if (to === undefined) return yield* Effect.fail(noVersion(kind, id, query.to))
  yield* answerHeaders(indexHeader(index))
  return { data: yield* (yield* ConfigEngine).versionDiff(kind, from, to) }
})

/** The snapshot to go back to, with everything that is in it; a version that says "deleted" has none. */
export const snapshotToRestore = Effect.fnUntraced(function* (kind: VersionedKind, id: string, number: number) {
  yield* requireHistory(kind, id, writePermission(kind))
  const version = yield* (yield* Reads).version(kind, id, number)
  if (version === undefined) return yield* Effect.fail(noVersion(kind, id, number))
  if (version.data === null) {
    return yield* Effect.fail(
      invalid([{ field: "version", message: "is the one that deleted the resource: choose one before it" }])
    )
  }
  return version.data
})
