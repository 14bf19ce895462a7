/** Going back to a version: its content is saved again, as a new version. A deleted resource comes back the same way. */
import type { Command } from "@nxmesh/protocol/Command"
import type { ApiError } from "@nxmesh/protocol/Errors"
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import { Effect } from "effect"
import type { ContentOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { ifMatchRevision } from "./ConditionalRequest.ts"
import { idempotencyOf, submit } from "./Submission.ts"
import { snapshotToRestore } from "./VersionHandlers.ts"

export interface Place {
  readonly mode: "create" | "update"
  readonly if_match: number | null
}

export const rollBack = Effect.fnUntraced(function* <K extends VersionedKind, R>(
  kind: K,
  id: string,
  request: { readonly version: number; readonly change_summary?: string },
  headers: { readonly "if-match"?: string; readonly "idempotency-key"?: string },
  command: (content: ContentOf<K>, place: Place, summary: string) => Effect.Effect<Command, ApiError, R>
) {
  const snapshot = yield* snapshotToRestore(kind, id, request.version)
  const current = yield* (yield* Reads).get(kind, id)
  const place: Place =
    current === undefined
      ? { mode: "create", if_match: null }
      : { mode: "update", if_match: ifMatchRevision(headers["if-match"]) }
  const summary = request.change_summary ?? `rolled back to version ${request.version}`
  return yield* submit(
    yield* command(snapshot as ContentOf<K>, place, summary),
    idempotencyOf(headers["idempotency-key"], { method: "POST", path: `${kind}/${id}/rollback`, payload: request })
  )
})
