/**
 * What a handler asks before it does anything. What is not readable is answered as what does not exist; that it is forbidden is
 * told only of what may be read.
 */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { Forbidden, NotFound } from "@nxmesh/protocol/Errors"
import type { WorkspaceId } from "@nxmesh/protocol/Ids"
import { type Access, allows, type Scope, type Visible, visibleScopes as visible } from "@nxmesh/protocol/model/Access"
import { type Permission, readPermissionOf } from "@nxmesh/protocol/model/Permission"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Effect } from "effect"
import { Reads } from "../state/Reads.ts"

/** As the answer names a thing: `what` it is, as in "virtual host", and its id. */
export interface Named {
  readonly what: string
  readonly id: string
}

export type Verdict = "allowed" | "forbidden" | "unseen"

/** Pure: whether the permission is held there, and if not, whether the thing may be known of. */
export const judge = (
  access: Access,
  permission: Permission,
  scope: Scope,
  read: Permission = readPermissionOf(permission)
): Verdict => {
  if (allows(access, permission, scope)) return "allowed"
  return allows(access, read, scope) ? "forbidden" : "unseen"
}

export const forbidden = (permission: Permission) =>
  new Forbidden({
    error: {
      code: "FORBIDDEN",
      message: `this needs the permission ${permission}, which you do not have here`,
      details: []
    }
  })

export const unseen = ({ id, what }: Named) =>
  new NotFound({
    error: { code: "NOT_FOUND", message: `There is no ${what} ${id}, or you may not see it`, details: [] }
  })

const nameOf = (scope: Scope): Named => {
  switch (scope._tag) {
    case "Installation":
      return { what: "installation", id: "" }
    case "Organization":
      return { what: "organization", id: scope.organizationId }
    case "Workspace":
      return { what: "workspace", id: scope.workspaceId }
  }
}

/** `read` is what knowing of the thing takes; without it, the reading permission of the same resource. */
export const requireAllowed = Effect.fnUntraced(function* (
  permission: Permission,
  scope: Scope,
  named?: Named,
  read?: Permission
) {
  const { access } = yield* CurrentUser
  const verdict = judge(access, permission, scope, read)
  // That there is an installation everybody knows.
  const isPlain = named === undefined && scope._tag === "Installation"
  if (verdict === "forbidden" || (verdict === "unseen" && isPlain)) return yield* Effect.fail(forbidden(permission))
  if (verdict === "unseen") return yield* Effect.fail(unseen(named ?? nameOf(scope)))
})

/** Fails with NOT_FOUND, as for one that nobody may see. */
export const scopeOfWorkspace = Effect.fnUntraced(function* (id: WorkspaceId) {
  const scope = yield* (yield* Reads).scopeOfWorkspace(id)
  return scope ?? (yield* Effect.fail(unseen({ what: "workspace", id })))
})

/** For the statement of a list: never count what may not be seen. */
export const visibleScopes = (permission: Permission): Effect.Effect<Visible, never, CurrentUser> =>
  Effect.map(CurrentUser, ({ access }) => visible(access, permission))

/** What the principal may do now, for connections that live longer than a request. */
export const accessOf = (principal: Principal): Effect.Effect<Access, never, Reads> =>
  Reads.use((reads) => reads.access(principal))
