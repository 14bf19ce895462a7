/** Roles that people make: what is in one is held wherever it is bound. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { RoleBinding } from "@nxmesh/protocol/model/RoleBinding"
import { effectiveAt, homeScope } from "@nxmesh/protocol/model/Access"
import { Limits } from "../../Limits.ts"
import { findResource, resourcesBy } from "../Resources.ts"
import { requireHoldsAll } from "./Escalation.ts"
import { requireHome } from "./Homes.ts"
import { refuseReferenced } from "./References.ts"
import { refuseFields } from "./Refusal.ts"
import { erase, replaced, required, requireUnique, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

export const saveRole = (tx: Transaction, command: CommandOf<"SaveRole">): Applied => {
  const { role } = command
  const before = replaced(tx, "role", role.id, command)
  requireHome(tx, role.organization_id, before)
  if (["admin", "operator", "viewer"].includes(role.name.toLowerCase())) {
    refuseFields([{ field: "name", message: "is that of a built-in role" }])
  }
  requireUnique(tx, "role", role.id, "name", { organization_id: role.organization_id ?? "", name: role.name })
  const scope = homeScope(role.organization_id)
  const added = role.permissions.filter((permission) => before?.permissions.includes(permission) !== true)
  // At its home, because nowhere it is bound is outside of that.
  requireHoldsAll(tx, [{ scope, permissions: effectiveAt(scope, added) }], "the role")
  const { after, changed } = write(tx, "role", before, role)
  const place = { organization_id: role.organization_id ?? undefined }
  return {
    value: after,
    events: changed ? [resourceChanged("role", after.id, command.mode, place)] : [],
    audit: { kind: "role", id: after.id, before: before ?? null, after }
  }
}

const bindingName = ({ connection }: Transaction, { subject }: RoleBinding): string => {
  if (subject.kind === "service_account") return `service account ${subject.id}`
  return findResource(connection, subject.kind, subject.id)?.name ?? subject.id
}

export const deleteRole = (tx: Transaction, command: CommandOf<"DeleteRole">): Applied => {
  const before = required(tx, "role", command.id, command.if_match)
  refuseReferenced(
    tx,
    "delete the role",
    resourcesBy(tx.connection, "role_binding", { role: command.id }, Limits.state.referencesNamedMax).map(
      (resource) => ({ kind: "role_binding", id: resource.id, resource, name: bindingName(tx, resource) })
    )
  )
  erase(tx, "role", command.id)
  const place = { organization_id: before.organization_id ?? undefined }
  return {
    value: null,
    events: [resourceChanged("role", command.id, "delete", place)],
    audit: { kind: "role", id: command.id, before, after: null }
  }
}
