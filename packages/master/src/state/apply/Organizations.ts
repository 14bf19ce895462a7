/** Organizations and their workspaces. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import { Limits } from "../../Limits.ts"
import { homeScope, scopeOf } from "@nxmesh/protocol/model/Access"
import type { Event } from "@nxmesh/protocol/Event"
import type { GroupId, OrganizationId } from "@nxmesh/protocol/Ids"
import type { ResourceOf } from "../Kinds.ts"
import { keepsBindings } from "../ReadAccess.ts"
import { hasApiKeys } from "../ReadServiceAccounts.ts"
import { findResource, resourcesBy } from "../Resources.ts"
import { forgetAlerting } from "./Alerts.ts"
import { eraseBindingsIn, eraseBindingsOf } from "./RoleBindings.ts"
import { refuseReferenced } from "./References.ts"
import { refuse, refuseFields } from "./Refusal.ts"
import { erase, replaced, required, requireUnique, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

export const saveOrganization = (tx: Transaction, command: CommandOf<"SaveOrganization">): Applied => {
  const { organization } = command
  const before = replaced(tx, "organization", organization.id, command)
  requireUnique(tx, "organization", organization.id, "slug", { slug: organization.slug })
  const { after, changed } = write(tx, "organization", before, organization)
  return {
    value: after,
    events: changed ? [resourceChanged("organization", after.id, command.mode, { organization_id: after.id })] : [],
    audit: { kind: "organization", id: after.id, before: before ?? null, after }
  }
}

/** Somebody has to say what becomes of people: they are deleted one by one. */
const peopleOf = ({ connection }: Transaction, id: OrganizationId): ReadonlyArray<ResourceOf<"user">> =>
  connection
    .all<{ readonly data: string }>(
      "SELECT data FROM users WHERE data ->> 'organization_id' = ? ORDER BY id LIMIT ?",
      id,
      Limits.state.referencesNamedMax
    )
    .map(({ data }) => JSON.parse(data) as ResourceOf<"user">)

const programsOf = ({ connection }: Transaction, id: OrganizationId): ReadonlyArray<ResourceOf<"service_account">> =>
  hasApiKeys(connection)
    ? resourcesBy(connection, "service_account", { organization_id: id }, Limits.state.referencesNamedMax)
    : []

/** Its bindings, groups and roles mean nothing without it. */
const eraseAccessOf = (tx: Transaction, id: OrganizationId): ReadonlyArray<Event> => {
  if (!keepsBindings(tx.connection)) return []
  const owned = (["group", "role"] as const).flatMap((kind) =>
    resourcesBy(tx.connection, kind, { organization_id: id }).flatMap((resource) => {
      const unbound = kind === "group" ? eraseBindingsOf(tx, { kind, id: resource.id as GroupId }) : []
      tx.connection.run("DELETE FROM group_members WHERE group_id = ?", resource.id)
      erase(tx, kind, resource.id)
      return [...unbound, resourceChanged(kind, resource.id, "delete", { organization_id: id })]
    })
  )
  return [...eraseBindingsIn(tx, homeScope(id)), ...owned]
}

export const deleteOrganization = (tx: Transaction, command: CommandOf<"DeleteOrganization">): Applied => {
  const before = required(tx, "organization", command.id, command.if_match)
  refuseReferenced(tx, "delete the organization", [
    ...resourcesBy(tx.connection, "workspace", { organization_id: command.id }, Limits.state.referencesNamedMax).map(
      (resource) => ({ kind: "workspace" as const, id: resource.id, resource })
    ),
    ...peopleOf(tx, command.id).map((resource) => ({ kind: "user" as const, id: resource.id, resource })),
    ...programsOf(tx, command.id).map((resource) => ({ kind: "service_account" as const, id: resource.id, resource }))
  ])
  const gone = eraseAccessOf(tx, command.id)
  forgetAlerting(tx, { column: "organization_id", id: command.id })
  erase(tx, "organization", command.id)
  return {
    value: null,
    events: [...gone, resourceChanged("organization", command.id, "delete", { organization_id: command.id })],
    audit: { kind: "organization", id: command.id, before, after: null }
  }
}

export const saveWorkspace = (tx: Transaction, command: CommandOf<"SaveWorkspace">): Applied => {
  const { workspace } = command
  const before = replaced(tx, "workspace", workspace.id, command)
  if (before !== undefined && before.organization_id !== workspace.organization_id) {
    refuseFields([{ field: "organization_id", message: "cannot change" }])
  }
  if (findResource(tx.connection, "organization", workspace.organization_id) === undefined) {
    refuse("NOT_FOUND", `there is no organization ${workspace.organization_id}`)
  }
  requireUnique(tx, "workspace", workspace.id, "slug", {
    organization_id: workspace.organization_id,
    slug: workspace.slug
  })
  const { after, changed } = write(tx, "workspace", before, workspace)
  const place = { organization_id: after.organization_id, workspace_id: after.id }
  return {
    value: after,
    events: changed ? [resourceChanged("workspace", after.id, command.mode, place)] : [],
    audit: { kind: "workspace", id: after.id, before: before ?? null, after }
  }
}

const workspaceKinds = ["agent", "virtual_host", "upstream", "certificate", "template"] as const

export const deleteWorkspace = (tx: Transaction, command: CommandOf<"DeleteWorkspace">): Applied => {
  const before = required(tx, "workspace", command.id, command.if_match)
  refuseReferenced(
    tx,
    "delete the workspace",
    workspaceKinds.flatMap((kind) =>
      resourcesBy(tx.connection, kind, { workspace_id: command.id }, Limits.state.referencesNamedMax).map(
        (resource) => ({
          kind,
          id: resource.id,
          resource
        })
      )
    )
  )
  const place = { organization_id: before.organization_id, workspace_id: before.id }
  const unbound = eraseBindingsIn(tx, scopeOf(place))
  forgetAlerting(tx, { column: "workspace_id", id: command.id })
  erase(tx, "workspace", command.id)
  return {
    value: null,
    events: [...unbound, resourceChanged("workspace", command.id, "delete", place)],
    audit: { kind: "workspace", id: command.id, before, after: null }
  }
}
