/** Bindings: a role, given to somebody, somewhere. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import { allows, homeScope, scopeOf } from "@nxmesh/protocol/model/Access"
import type { BindingSubject, RoleBinding } from "@nxmesh/protocol/model/RoleBinding"
import { accessOf, bindingsOf, grantOf, isBuiltIn, keepsBindings } from "../ReadAccess.ts"
import { findResource, findResourceBy, resourcesBy } from "../Resources.ts"
import { keepingAdministrator, requireHoldsAll } from "./Escalation.ts"
import { mayActIn } from "./Homes.ts"
import { refuse, refuseFields } from "./Refusal.ts"
import { erase, required, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

type Content = CommandOf<"SaveRoleBinding">["role_binding"]

const subjectWords = { user: "user", group: "group", service_account: "service account" } as const

/** Seen by the principal, and of this organization or of the installation. */
const requireSubject = (tx: Transaction, { organization_id, subject }: Content): void => {
  const field = "subject.id"
  const found = findResource(tx.connection, subject.kind, subject.id)
  const read = subject.kind === "user" ? "user:read" : "access:read"
  const isSeen =
    found !== undefined &&
    (tx.principal._tag === "System" ||
      allows(accessOf(tx.connection, tx.principal), read, homeScope(found.organization_id)))
  if (!isSeen) return refuseFields([{ field, message: `names no ${subjectWords[subject.kind]}` }])
  if (!mayActIn(found.organization_id, organization_id)) {
    refuseFields([{ field, message: "is of another organization than the binding" }])
  }
}

const requireRole = ({ connection }: Transaction, { organization_id, role }: Content): void => {
  if (isBuiltIn(role)) return
  const found = findResource(connection, "role", role)
  if (found === undefined || !mayActIn(found.organization_id, organization_id)) {
    refuseFields([{ field: "role", message: "names no role that can be bound there" }])
  }
}

/** The command carries the organization of its workspace; apply takes no one's word for it. */
const requireScope = ({ connection }: Transaction, { organization_id, workspace_id }: Content): void => {
  if (organization_id !== null && findResource(connection, "organization", organization_id) === undefined) {
    refuseFields([{ field: "organization_id", message: "names no organization" }])
  }
  if (workspace_id === null) return
  const workspace = findResource(connection, "workspace", workspace_id)
  if (workspace === undefined || workspace.organization_id !== organization_id) {
    refuseFields([{ field: "workspace_id", message: "names no workspace" }])
  }
}

const requireNew = ({ connection }: Transaction, binding: Content): void => {
  if (findResource(connection, "role_binding", binding.id) !== undefined) {
    refuse("CONFLICT", `there is already a role binding ${binding.id}`)
  }
  const same = findResourceBy(connection, "role_binding", {
    subject_kind: binding.subject.kind,
    subject_id: binding.subject.id,
    role: binding.role,
    organization_id: binding.organization_id ?? "",
    workspace_id: binding.workspace_id ?? "",
    provider: binding.identity_provider_id ?? ""
  })
  if (same !== undefined) refuse("CONFLICT", `the role is bound so already, by role binding ${same.id}`)
}

const placeOf = ({ organization_id, workspace_id }: Content) => ({
  organization_id: organization_id ?? undefined,
  workspace_id: workspace_id ?? undefined
})

export const saveRoleBinding = (tx: Transaction, { role_binding }: CommandOf<"SaveRoleBinding">): Applied => {
  requireScope(tx, role_binding)
  requireRole(tx, role_binding)
  requireSubject(tx, role_binding)
  requireNew(tx, role_binding)
  requireHoldsAll(tx, [grantOf(tx.connection, role_binding)], "the binding")
  const { after } = write(tx, "role_binding", undefined, role_binding)
  return {
    value: after,
    events: [resourceChanged("role_binding", after.id, "create", placeOf(after))],
    audit: { kind: "role_binding", id: after.id, before: null, after }
  }
}

const eraseBinding = (tx: Transaction, binding: RoleBinding): Event => {
  erase(tx, "role_binding", binding.id)
  return resourceChanged("role_binding", binding.id, "delete", placeOf(binding))
}

export const deleteRoleBinding = (tx: Transaction, command: CommandOf<"DeleteRoleBinding">): Applied => {
  const before = required(tx, "role_binding", command.id, command.if_match)
  const event = keepingAdministrator(tx, () => eraseBinding(tx, before))
  return { value: null, events: [event], audit: { kind: "role_binding", id: before.id, before, after: null } }
}

/** What was given to somebody who goes. */
export const eraseBindingsOf = (tx: Transaction, subject: BindingSubject): ReadonlyArray<Event> =>
  keepsBindings(tx.connection) ? bindingsOf(tx.connection, subject).map((binding) => eraseBinding(tx, binding)) : []

/** What was given in a place that goes. */
export const eraseBindingsIn = (tx: Transaction, scope: ReturnType<typeof scopeOf>): ReadonlyArray<Event> => {
  if (!keepsBindings(tx.connection) || scope._tag === "Installation") return []
  const where =
    scope._tag === "Workspace" ? { workspace_id: scope.workspaceId } : { organization_id: scope.organizationId }
  return resourcesBy(tx.connection, "role_binding", where).map((binding) => eraseBinding(tx, binding))
}
