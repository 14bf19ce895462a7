/** The handlers that every kind of resource has: list, create, get, change, remove. A group adds what only it knows. */
import type { Command } from "@nxmesh/protocol/Command"
import type { ApiError } from "@nxmesh/protocol/Errors"
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"
import type { Kind, ResourceOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { readPermissions, removePermission } from "../state/ResourceScope.ts"
import { visibleScopes } from "../auth/AccessChecks.ts"
import { changeResource, existing } from "./Change.ts"
import { answerCreated, answerOne, answerUnlessKnown, ifMatchRevision } from "./ConditionalRequest.ts"
import { requirePlaceOf } from "./NewPlace.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { idempotencyOf, submit } from "./Submission.ts"

/** A resource as state or an accepted command tells of it: the latter leaves a certificate's key out. */
export type Shown<K extends Kind> = Omit<ResourceOf<K>, "private_key">

/** What a request names and demands in its path and headers. */
export interface ItemRequest<K extends Kind> {
  readonly params: { readonly id: ResourceOf<K>["id"] }
  readonly headers: { readonly "if-match"?: string }
}
/** What a request may say beside its body: only kinds that agents get know a preflight. */
export interface Asked {
  readonly query?: { readonly preflight?: AgentId }
  readonly headers: { readonly "if-match"?: string; readonly "idempotency-key"?: string }
}
export interface CreateRequest<Payload> extends Asked {
  readonly headers: { readonly "idempotency-key"?: string }
  readonly payload: Payload
}
export interface ChangeRequest<K extends Kind, Payload> extends ItemRequest<K> {
  readonly query?: { readonly preflight?: AgentId }
  readonly payload: Payload
}

/** How a kind is named, and shown to clients. */
export interface ResourceGroup<K extends Kind, View> {
  readonly kind: K
  /** In spans. */
  readonly group: string
  /** In paths. */
  readonly collection: string
  readonly view: (resource: Shown<K>) => Effect.Effect<View>
}

/** What each request asks of the log. */
interface ResourceCommands<K extends Kind, Create, Patch, Removal, R> {
  readonly create: (payload: Create, asked: Asked) => Effect.Effect<Command, ApiError, R>
  readonly change: (current: ResourceOf<K>, payload: Patch, asked: Asked) => Effect.Effect<Command, ApiError, R>
  readonly remove: (request: Removal, ifMatch: number | null) => Effect.Effect<Command, ApiError, R>
}

export const resourceHandlers = <
  K extends Kind,
  Create,
  Patch,
  Removal extends ItemRequest<K>,
  View extends { readonly id: string; readonly revision: number },
  R
>({
  change,
  collection,
  create,
  group,
  kind,
  remove,
  view
}: ResourceGroup<K, View> & ResourceCommands<K, Create, Patch, Removal, R>) => ({
  list: Effect.fn(`${group}.list`)(function* ({ query }: { readonly query: Parameters<typeof listQueryOf>[0] }) {
    const reads = yield* Reads
    const index = yield* reads.appliedIndex
    const within = yield* visibleScopes(readPermissions[kind])
    const { items, total } = yield* reads.list(kind, { ...listQueryOf(query), within })
    return yield* answerPage(query, { items: yield* Effect.forEach(items, (item) => view(item)), total }, index)
  }),
  create: Effect.fn(`${group}.create`)(function* (request: CreateRequest<Create>) {
    const { headers, payload } = request
    yield* requirePlaceOf(kind, payload)
    const accepted = yield* submit(
      yield* create(payload, request),
      idempotencyOf(headers["idempotency-key"], { method: "POST", path: collection, payload })
    )
    return yield* answerCreated(yield* view(accepted.value as Shown<K>), accepted.index, collection)
  }),
  get: Effect.fn(`${group}.get`)(function* ({
    headers,
    params
  }: {
    readonly params: { readonly id: string }
    readonly headers: { readonly "if-none-match"?: string }
  }) {
    const index = yield* (yield* Reads).appliedIndex
    return yield* answerUnlessKnown(yield* view(yield* existing(kind, params.id)), index, headers["if-none-match"])
  }),
  change: Effect.fn(`${group}.change`)(function* (request: ChangeRequest<K, Patch>) {
    const { headers, params, payload } = request
    const accepted = yield* changeResource({
      kind,
      id: params.id,
      ifMatch: ifMatchRevision(headers["if-match"]),
      command: (current) => change(current, payload, request)
    })
    return yield* answerOne(yield* view(accepted.value as Shown<K>), accepted.index)
  }),
  remove: Effect.fn(`${group}.remove`)(function* (request: Removal) {
    yield* existing(kind, request.params.id, removePermission(kind))
    yield* submit(yield* remove(request, ifMatchRevision(request.headers["if-match"])))
  })
})
