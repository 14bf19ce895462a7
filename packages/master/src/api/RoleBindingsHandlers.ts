import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { RoleBindingId } from "@nxmesh/protocol/Ids"
import type { RoleBindingCreate } from "@nxmesh/protocol/model/RoleBinding"
import { Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Reads } from "../state/Reads.ts"
import { newId } from "./NewIds.ts"
import { noOrganization } from "./NewPlace.ts"
import { resourceHandlers } from "./ResourceHandlers.ts"

/** That of the workspace, which a request need not name: but when it does, it names that one. */
const organizationOf = Effect.fnUntraced(function* ({ organization_id, workspace_id }: RoleBindingCreate) {
  if (workspace_id === null) return organization_id
  const workspace = yield* (yield* Reads).get("workspace", workspace_id)
  const owner = workspace?.organization_id ?? null
  return organization_id === null || organization_id === owner ? owner : yield* Effect.fail(noOrganization())
})

const bindings = resourceHandlers({
  kind: "role_binding",
  group: "roleBindings",
  collection: "role-bindings",
  view: (resource) => Effect.succeed(resource),
  create: Effect.fnUntraced(function* (payload: RoleBindingCreate) {
    const organization_id = yield* organizationOf(payload)
    const id = yield* newId(RoleBindingId)
    return {
      _tag: "SaveRoleBinding" as const,
      role_binding: { id, ...payload, organization_id, identity_provider_id: null }
    }
  }),
  // Of a binding nothing changes: no endpoint asks for it.
  change: () => Effect.die("a role binding does not change"),
  remove: ({ params }, if_match) => Effect.succeed({ _tag: "DeleteRoleBinding", id: params.id, if_match })
})

const { change: _change, ...handled } = bindings

export const layerRoleBindings = HttpApiBuilder.group(NxMeshApi, "roleBindings", (handlers) =>
  handlers.handleAll(handled)
)
