import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { GroupId } from "@nxmesh/protocol/Ids"
import type { GroupCreate, GroupPatch } from "@nxmesh/protocol/model/Group"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { newId } from "./NewIds.ts"
import { resourceHandlers } from "./ResourceHandlers.ts"
import { unstamped } from "./Unstamped.ts"

const groups = resourceHandlers({
  kind: "group",
  group: "groups",
  collection: "groups",
  view: (resource) => Effect.succeed(resource),
  create: (payload: GroupCreate) =>
    Effect.map(newId(GroupId), (id) => ({
      _tag: "SaveGroup",
      mode: "create",
      if_match: null,
      group: { id, ...payload }
    })),
  change: (current, payload: GroupPatch) =>
    Effect.succeed({
      _tag: "SaveGroup",
      mode: "update",
      if_match: current.revision,
      group: { ...unstamped(current), ...payload }
    }),
  remove: ({ params }, if_match) => Effect.succeed({ _tag: "DeleteGroup", id: params.id, if_match })
})

export const layerUserGroups = HttpApiBuilder.group(NxMeshApi, "groups", (handlers) => handlers.handleAll(groups))
