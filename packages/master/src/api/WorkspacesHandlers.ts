import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Workspace } from "@nxmesh/protocol/model/Organization"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Reads } from "../state/Reads.ts"
import { changeResource, existing } from "./Change.ts"
import { answerCreated, answerOne, answerUnlessKnown, ifMatchRevision } from "./ConditionalRequest.ts"
import { newId } from "./NewIds.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { idempotencyOf, submit } from "./Submission.ts"
import { unstamped } from "./Unstamped.ts"

export const layerWorkspaces = HttpApiBuilder.group(
  NxMeshApi,
  "workspaces",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    return handlers.handleAll({
      list: Effect.fn("workspaces.list")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        return yield* answerPage(query, yield* reads.list("workspace", listQueryOf(query)), index)
      }),
      create: Effect.fn("workspaces.create")(function* ({ headers, payload }) {
        const id = yield* newId(WorkspaceId)
        const accepted = yield* submit(
          { _tag: "SaveWorkspace", mode: "create", if_match: null, workspace: { id, ...payload } },
          idempotencyOf(headers["idempotency-key"], { method: "POST", path: "workspaces", payload })
        )
        return yield* answerCreated(accepted.value as Workspace, accepted.index, "workspaces")
      }),
      get: Effect.fn("workspaces.get")(function* ({ headers, params }) {
        const index = yield* reads.appliedIndex
        return yield* answerUnlessKnown(yield* existing("workspace", params.id), index, headers["if-none-match"])
      }),
      change: Effect.fn("workspaces.change")(function* ({ headers, params, payload }) {
        const accepted = yield* changeResource({
          kind: "workspace",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: (current) =>
            Effect.succeed({
              _tag: "SaveWorkspace",
              mode: "update",
              if_match: current.revision,
              workspace: { ...unstamped(current), ...payload }
            })
        })
        return yield* answerOne(accepted.value as Workspace, accepted.index)
      }),
      remove: Effect.fn("workspaces.remove")(function* ({ headers, params }) {
        yield* submit({ _tag: "DeleteWorkspace", id: params.id, if_match: ifMatchRevision(headers["if-match"]) })
      })
    })
  })
)
