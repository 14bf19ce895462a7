import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { type OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import type { WorkspaceCreate, WorkspacePatch } from "@nxmesh/protocol/model/Organization"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { chosenForWorkspace, workspaceView } from "./ChosenPolicy.ts"
import { newId } from "./NewIds.ts"
import { resourceHandlers } from "./ResourceHandlers.ts"
import { unstamped } from "./Unstamped.ts"

const workspaces = resourceHandlers({
  kind: "workspace",
  group: "workspaces",
  collection: "workspaces",
  view: workspaceView,
  create: (payload: WorkspaceCreate & { readonly organization_id: OrganizationId }) =>
    Effect.map(newId(WorkspaceId), (id) => ({
      _tag: "SaveWorkspace",
      mode: "create",
      if_match: null,
      workspace: chosenForWorkspace({ id, ...payload })
    })),
  change: (current, payload: WorkspacePatch) =>
    Effect.succeed({
      _tag: "SaveWorkspace",
      mode: "update",
      if_match: current.revision,
      workspace: chosenForWorkspace({ ...unstamped(current), ...payload })
    }),
  remove: ({ params }, if_match) => Effect.succeed({ _tag: "DeleteWorkspace", id: params.id, if_match })
})

export const layerWorkspaces = HttpApiBuilder.group(NxMeshApi, "workspaces", (handlers) =>
  handlers.handleAll(workspaces)
)
