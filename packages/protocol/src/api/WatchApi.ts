/** Following what changes, by the log's index (design-cluster.md 17): one request waits until there is something to tell. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { OrganizationId, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { ResourceKind } from "../model/ResourceKind.ts"
import { withDefault } from "../model/Resource.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"

export const WatchedKind = Schema.Literals([...ResourceKind.literals, "deployment"])
export type WatchedKind = typeof WatchedKind.Type

/** That something changed, not how: read it to see. */
export const WatchEvent = Schema.Struct({
  /** Of the entry that changed it: its revision, unless it was deleted. */
  index: Schema.Int,
  kind: WatchedKind,
  id: Schema.String,
  operation: Schema.Literals(["create", "update", "delete"]),
  organization_id: Schema.NullOr(OrganizationId),
  workspace_id: Schema.NullOr(WorkspaceId)
}).annotate({ identifier: "WatchEvent" })
export type WatchEvent = typeof WatchEvent.Type

export const WatchAnswer = Schema.Struct({
  /** Ask with this index next. */
  index: Schema.Int,
  /** True when what came after the index asked for is forgotten: list anew, then go on from `index`. */
  compacted: Schema.Boolean,
  events: Schema.Array(WatchEvent)
}).annotate({ identifier: "WatchAnswer" })
export type WatchAnswer = typeof WatchAnswer.Type

export class WatchApi extends HttpApiGroup.make("watch")
  .add(
    HttpApiEndpoint.get("watch", "/watch", {
      query: Schema.Struct({
        /** Of the last answer, or `x-nxmesh-index` of a list. */
        index: Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
        /** An answer without events comes after so long. */
        wait_seconds: withDefault(
          Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Limits.watchSecondsMax })),
          Limits.watchSecondsDefault
        )
      }),
      success: one(WatchAnswer),
      error: ApiErrors
    }).annotateMerge(demands("authenticated"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication) {}
