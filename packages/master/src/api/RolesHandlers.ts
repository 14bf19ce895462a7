import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { RoleId } from "@nxmesh/protocol/Ids"
import { Role, rolePermissions } from "@nxmesh/protocol/model/Permission"
import type { RoleCreate, RolePatch } from "@nxmesh/protocol/model/Role"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { newId } from "./NewIds.ts"
import { resourceHandlers } from "./ResourceHandlers.ts"
import { unstamped } from "./Unstamped.ts"

const roles = resourceHandlers({
  kind: "role",
  group: "roles",
  collection: "roles",
  view: (resource) => Effect.succeed(resource),
  create: (payload: RoleCreate) =>
    Effect.map(newId(RoleId), (id) => ({ _tag: "SaveRole", mode: "create", if_match: null, role: { id, ...payload } })),
  change: (current, payload: RolePatch) =>
    Effect.succeed({
      _tag: "SaveRole",
      mode: "update",
      if_match: current.revision,
      role: { ...unstamped(current), ...payload }
    }),
  remove: ({ params }, if_match) => Effect.succeed({ _tag: "DeleteRole", id: params.id, if_match })
})

const builtIn = Role.literals.map((name) => ({ name, permissions: rolePermissions[name] }))

export const layerRoles = HttpApiBuilder.group(NxMeshApi, "roles", (handlers) =>
  handlers.handleAll({ ...roles, builtIn: () => Effect.succeed({ data: builtIn }) })
)
