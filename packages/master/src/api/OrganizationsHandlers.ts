import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { Organization, Workspace } from "@nxmesh/protocol/model/Organization"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Reads } from "../state/Reads.ts"
import { changeResource, existing } from "./Change.ts"
import { answerCreated, answerOne, answerUnlessKnown, ifMatchRevision } from "./ConditionalRequest.ts"
import { newId } from "./NewIds.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { idempotencyOf, submit } from "./Submission.ts"
import { unstamped } from "./Unstamped.ts"

export const layerOrganizations = HttpApiBuilder.group(
  NxMeshApi,
  "organizations",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    return handlers.handleAll({
      list: Effect.fn("organizations.list")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        return yield* answerPage(query, yield* reads.list("organization", listQueryOf(query)), index)
      }),
      create: Effect.fn("organizations.create")(function* ({ headers, payload }) {
        const id = yield* newId(OrganizationId)
        const accepted = yield* submit(
          { _tag: "SaveOrganization", mode: "create", if_match: null, organization: { id, ...payload } },
          idempotencyOf(headers["idempotency-key"], { method: "POST", path: "organizations", payload })
        )
        return yield* answerCreated(accepted.value as Organization, accepted.index, "organizations")
      }),
      get: Effect.fn("organizations.get")(function* ({ headers, params }) {
        const index = yield* reads.appliedIndex
        return yield* answerUnlessKnown(yield* existing("organization", params.id), index, headers["if-none-match"])
      }),
      change: Effect.fn("organizations.change")(function* ({ headers, params, payload }) {
        const accepted = yield* changeResource({
          kind: "organization",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: (current) =>
            Effect.succeed({
              _tag: "SaveOrganization",
              mode: "update",
              if_match: current.revision,
              organization: { ...unstamped(current), ...payload }
            })
        })
        return yield* answerOne(accepted.value as Organization, accepted.index)
      }),
      remove: Effect.fn("organizations.remove")(function* ({ headers, params }) {
        yield* submit({
          _tag: "DeleteOrganization",
          id: params.id,
          if_match: ifMatchRevision(headers["if-match"])
        })
      }),
      workspaces: Effect.fn("organizations.workspaces")(function* ({ params, query }) {
        const index = yield* reads.appliedIndex
        yield* existing("organization", params.id)
        const found = yield* reads.list("workspace", listQueryOf(query, { organization_id: params.id }))
        return yield* answerPage(query, found, index)
      }),
      createWorkspace: Effect.fn("organizations.createWorkspace")(function* ({ headers, params, payload }) {
        const id = yield* newId(WorkspaceId)
        yield* existing("organization", params.id)
        const accepted = yield* submit(
          {
            _tag: "SaveWorkspace",
            mode: "create",
            if_match: null,
            workspace: { id, organization_id: params.id, ...payload }
          },
          idempotencyOf(headers["idempotency-key"], {
            method: "POST",
            path: `organizations/${params.id}/workspaces`,
            payload
          })
        )
        return yield* answerCreated(accepted.value as Workspace, accepted.index, "workspaces")
      })
    })
  })
)
