import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { OrganizationCreate, OrganizationPatch, Workspace } from "@nxmesh/protocol/model/Organization"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { visibleScopes } from "../auth/AccessChecks.ts"
import { Reads } from "../state/Reads.ts"
import { existing } from "./Change.ts"
import { chosenForWorkspace, workspaceView } from "./ChosenPolicy.ts"
import { answerCreated } from "./ConditionalRequest.ts"
import { newId } from "./NewIds.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { resourceHandlers } from "./ResourceHandlers.ts"
import { idempotencyOf, submit } from "./Submission.ts"
import { unstamped } from "./Unstamped.ts"

const organizations = resourceHandlers({
  kind: "organization",
  group: "organizations",
  collection: "organizations",
  view: (resource) => Effect.succeed(resource),
  create: (payload: OrganizationCreate) =>
    Effect.map(newId(OrganizationId), (id) => ({
      _tag: "SaveOrganization",
      mode: "create",
      if_match: null,
      organization: { id, ...payload }
    })),
  change: (current, payload: OrganizationPatch) =>
    Effect.succeed({
      _tag: "SaveOrganization",
      mode: "update",
      if_match: current.revision,
      organization: { ...unstamped(current), ...payload }
    }),
  remove: ({ params }, if_match) => Effect.succeed({ _tag: "DeleteOrganization", id: params.id, if_match })
})

export const layerOrganizations = HttpApiBuilder.group(
  NxMeshApi,
  "organizations",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    return handlers.handleAll({
      ...organizations,
      workspaces: Effect.fn("organizations.workspaces")(function* ({ params, query }) {
        const index = yield* reads.appliedIndex
        yield* existing("organization", params.id)
        const within = yield* visibleScopes("workspace:read")
        const asked = { ...listQueryOf(query, { organization_id: params.id }), within }
        const found = yield* reads.list("workspace", asked)
        const items = yield* Effect.forEach(found.items, workspaceView)
        return yield* answerPage(query, { items, total: found.total }, index)
      }),
      createWorkspace: Effect.fn("organizations.createWorkspace")(function* ({ headers, params, payload }) {
        const id = yield* newId(WorkspaceId)
        yield* existing("organization", params.id, "workspace:write")
        const accepted = yield* submit(
          {
            _tag: "SaveWorkspace",
            mode: "create",
            if_match: null,
            workspace: chosenForWorkspace({ id, organization_id: params.id, ...payload })
          },
          idempotencyOf(headers["idempotency-key"], {
            method: "POST",
            path: `organizations/${params.id}/workspaces`,
            payload
          })
        )
        return yield* answerCreated(yield* workspaceView(accepted.value as Workspace), accepted.index, "workspaces")
      })
    })
  })
)
