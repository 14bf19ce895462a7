/** The nine handlers of a versioned kind (CM-003): those of every resource, each with a version, and its history. */
import type { Summarized } from "@nxmesh/protocol/api/Summarized"
import type { Command } from "@nxmesh/protocol/Command"
import type { ApiError } from "@nxmesh/protocol/Errors"
import type { ConfigVersionId } from "@nxmesh/protocol/Ids"
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import { Effect } from "effect"
import type { ContentOf, ResourceOf } from "../state/Kinds.ts"
import { answerOne } from "./ConditionalRequest.ts"
import { lastVersion, newVersion } from "./NewIds.ts"
import { checkedByAgent } from "./Preflight.ts"
import {
  type Asked,
  type ChangeRequest,
  type ItemRequest,
  type ResourceGroup,
  resourceHandlers,
  type Shown
} from "./ResourceHandlers.ts"
import { type Place, rollBack } from "./Rollback.ts"
import { answerDiff, answerVersion, answerVersions } from "./VersionHandlers.ts"

interface LastStamps {
  readonly if_match: number | null
  readonly version_id: ConfigVersionId
  readonly change_summary: string
}
/** What a save carries beside the content. */
interface SaveStamps extends LastStamps, Place {
  readonly rollback_of: number | null
}

interface VersionedGroup<K extends VersionedKind, Create, Patch, View, R, Checks> extends ResourceGroup<K, View> {
  /** The content that a create asks for, under a new id. */
  readonly made: (request: Summarized<Create>) => Effect.Effect<ContentOf<K>, ApiError, R>
  /** The whole content that a change asks for. */
  readonly changed: (current: ResourceOf<K>, request: Summarized<Patch>) => Effect.Effect<ContentOf<K>, ApiError, R>
  /** What a change says of itself when its author says nothing. */
  readonly summary: (before: ResourceOf<K>, after: ContentOf<K>) => string
  /** Checks the content and makes its command. */
  readonly save: (content: ContentOf<K>, stamps: SaveStamps) => Effect.Effect<Command, ApiError, Checks>
  readonly delete: (id: ResourceOf<K>["id"], stamps: LastStamps) => Command
}

interface RemoveRequest<K extends VersionedKind> extends ItemRequest<K> {
  readonly query: Summarized<object>
}
interface RollbackRequest<K extends VersionedKind> extends ChangeRequest<K, Summarized<{ readonly version: number }>> {
  readonly headers: { readonly "if-match"?: string; readonly "idempotency-key"?: string }
}

export const versionedResourceHandlers = <
  K extends VersionedKind,
  Create,
  Patch,
  View extends { readonly id: string; readonly revision: number },
  R,
  Checks
>(
  group: VersionedGroup<K, Create, Patch, View, R, Checks>
) => {
  const { kind } = group
  const save = Effect.fnUntraced(function* (
    content: ContentOf<K>,
    place: Place,
    summary: string,
    asked: Asked,
    rollbackOf: number | null = null
  ) {
    const command = yield* group.save(content, { ...place, ...(yield* newVersion(summary, rollbackOf)) })
    return yield* checkedByAgent(command, asked.query?.preflight, asked.headers["idempotency-key"])
  })
  return {
    ...resourceHandlers({
      ...group,
      create: Effect.fnUntraced(function* (request: Summarized<Create>, asked: Asked) {
        const content = yield* group.made(request)
        return yield* save(content, { mode: "create", if_match: null }, request.change_summary ?? "created", asked)
      }),
      change: Effect.fnUntraced(function* (current: ResourceOf<K>, request: Summarized<Patch>, asked: Asked) {
        const content = yield* group.changed(current, request)
        const summary = request.change_summary ?? group.summary(current, content)
        return yield* save(content, { mode: "update", if_match: current.revision }, summary, asked)
      }),
      remove: Effect.fnUntraced(function* ({ params, query }: RemoveRequest<K>, if_match: number | null) {
        return group.delete(params.id, { if_match, ...(yield* lastVersion(query.change_summary ?? "deleted")) })
      })
    }),
    versions: ({ params, query }: ItemQuery<Parameters<typeof answerVersions>[2]>) =>
      answerVersions(kind, params.id, query),
    version: ({ params }: { readonly params: { readonly id: string; readonly version: number } }) =>
      answerVersion(kind, params.id, params.version),
    diff: ({ params, query }: ItemQuery<Parameters<typeof answerDiff>[2]>) => answerDiff(kind, params.id, query),
    rollback: Effect.fn(`${group.group}.rollback`)(function* (request: RollbackRequest<K>) {
      const { headers, params, payload } = request
      const accepted = yield* rollBack(kind, params.id, payload, headers, (content, place, summary) =>
        save(content, place, summary, request, payload.version)
      )
      return yield* answerOne(yield* group.view(accepted.value as Shown<K>), accepted.index)
    })
  }
}

interface ItemQuery<Query> {
  readonly params: { readonly id: string }
  readonly query: Query
}
