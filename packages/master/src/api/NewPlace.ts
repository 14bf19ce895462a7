/** Whether something may be made in the place that a request names. What may not be seen there does not exist. */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import type { OrganizationId, WorkspaceId } from "@nxmesh/protocol/Ids"
import { homeScope, installation, type Scope } from "@nxmesh/protocol/model/Access"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import { Effect } from "effect"
import { forbidden, judge } from "../auth/AccessChecks.ts"
import type { Kind } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { writePermission } from "../state/ResourceScope.ts"
import { existing } from "./Change.ts"
import { invalid } from "./Refusal.ts"

export const noWorkspace = (field = "workspace_id") => invalid([{ field, message: "names no workspace" }])
export const noOrganization = (field = "organization_id") => invalid([{ field, message: "names no organization" }])

const requireIn = Effect.fnUntraced(function* (
  permission: Permission,
  scope: Scope | undefined,
  read: Permission,
  missing: ReturnType<typeof invalid>
) {
  if (scope === undefined) return yield* Effect.fail(missing)
  const verdict = judge((yield* CurrentUser).access, permission, scope, read)
  if (verdict === "unseen") return yield* Effect.fail(missing)
  if (verdict === "forbidden") return yield* Effect.fail(forbidden(permission))
})

/** `field` is what the answer names when there is no such workspace for whoever asks. */
export const requireInWorkspace = Effect.fnUntraced(function* (
  permission: Permission,
  id: WorkspaceId,
  field = "workspace_id"
) {
  yield* requireIn(permission, yield* (yield* Reads).scopeOfWorkspace(id), "workspace:read", noWorkspace(field))
})

/** `null`: in the installation itself. */
export const requireInHome = Effect.fnUntraced(function* (permission: Permission, id: OrganizationId | null) {
  if (id === null) {
    const { access } = yield* CurrentUser
    if (judge(access, permission, installation) !== "allowed") return yield* Effect.fail(forbidden(permission))
    return
  }
  const organization = yield* (yield* Reads).get("organization", id)
  const scope = organization === undefined ? undefined : homeScope(id)
  yield* requireIn(permission, scope, "organization:read", noOrganization())
})

interface Placed {
  readonly workspace_id?: WorkspaceId | null
  readonly organization_id?: OrganizationId | null
}

/** By the fields that every kind has in common. A workspace is made in an organization, which a path may name, too. */
export const requirePlaceOf = Effect.fnUntraced(function* (kind: Kind, payload: unknown) {
  const permission = writePermission(kind)
  const { organization_id, workspace_id } = payload as Placed
  if (kind === "workspace" && organization_id !== undefined && organization_id !== null) {
    yield* existing("organization", organization_id, permission)
    return
  }
  yield* workspace_id === undefined || workspace_id === null
    ? requireInHome(permission, organization_id ?? null)
    : requireInWorkspace(permission, workspace_id)
})
