/** Groups and their members. Whoever adds a member gives them all that is bound to the group. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import type { GroupId, UserId } from "@nxmesh/protocol/Ids"
import { allows, homeScope } from "@nxmesh/protocol/model/Access"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { accessOf, grantsOfSubject, groupsOf, keepsBindings } from "../ReadAccess.ts"
import { findResource } from "../Resources.ts"
import { keepingAdministrator, requireHoldsAll } from "./Escalation.ts"
import { mayActIn, requireHome } from "./Homes.ts"
import { refuseFields } from "./Refusal.ts"
import { eraseBindingsOf } from "./RoleBindings.ts"
import { erase, replaced, required, requireUnique, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

type Group = CommandOf<"SaveGroup">["group"]

/** Those that are new must be people whom the principal may see, of the group's organization or of the installation. */
const requireMembers = (tx: Transaction, group: Group, known: ReadonlySet<string>): void => {
  const access = tx.principal._tag === "System" ? null : accessOf(tx.connection, tx.principal)
  const problems = group.members.flatMap((id, index): ReadonlyArray<ErrorDetail> => {
    if (known.has(id)) return []
    const user = findResource(tx.connection, "user", id)
    const isSeen =
      user !== undefined && (access === null || allows(access, "user:read", homeScope(user.organization_id)))
    if (!isSeen) return [{ field: `members[${index}]`, message: "names no user" }]
    return mayActIn(user.organization_id, group.organization_id)
      ? []
      : [{ field: `members[${index}]`, message: "is of another organization" }]
  })
  if (problems.length > 0) refuseFields(problems)
}

const putMembers = ({ connection }: Transaction, id: GroupId, members: ReadonlyArray<string>): void => {
  connection.run("DELETE FROM group_members WHERE group_id = ?", id)
  for (const member of members) {
    connection.run("INSERT INTO group_members (user_id, group_id) VALUES (?, ?)", member, id)
  }
}

export const saveGroup = (tx: Transaction, command: CommandOf<"SaveGroup">): Applied => {
  const { group } = command
  const before = replaced(tx, "group", group.id, command)
  requireHome(tx, group.organization_id, before)
  requireUnique(tx, "group", group.id, "name", { organization_id: group.organization_id ?? "", name: group.name })
  const known = new Set<string>(before?.members ?? [])
  requireMembers(tx, group, known)
  if (group.members.some((id) => !known.has(id))) {
    requireHoldsAll(tx, grantsOfSubject(tx.connection, { kind: "group", id: group.id }), "the group")
  }
  const { after, changed } = keepingAdministrator(tx, () => {
    const saved = write(tx, "group", before, group)
    if (saved.changed) putMembers(tx, group.id, group.members)
    return saved
  })
  const place = { organization_id: group.organization_id ?? undefined }
  return {
    value: after,
    events: changed ? [resourceChanged("group", after.id, command.mode, place)] : [],
    audit: { kind: "group", id: after.id, before: before ?? null, after }
  }
}

export const deleteGroup = (tx: Transaction, command: CommandOf<"DeleteGroup">): Applied => {
  const before = required(tx, "group", command.id, command.if_match)
  const unbound = keepingAdministrator(tx, () => {
    putMembers(tx, command.id, [])
    erase(tx, "group", command.id)
    return eraseBindingsOf(tx, { kind: "group", id: command.id })
  })
  const place = { organization_id: before.organization_id ?? undefined }
  return {
    value: null,
    events: [...unbound, resourceChanged("group", command.id, "delete", place)],
    audit: { kind: "group", id: command.id, before, after: null }
  }
}

/** A person who goes leaves every group. */
export const leaveGroups = (tx: Transaction, userId: UserId): ReadonlyArray<Event> =>
  (keepsBindings(tx.connection) ? groupsOf(tx.connection, userId) : []).map((group_id) => {
    const group = required(tx, "group", group_id)
    const members = group.members.filter((id) => id !== userId)
    write(tx, "group", group, { ...group, members })
    putMembers(tx, group_id, members)
    return resourceChanged("group", group_id, "update", { organization_id: group.organization_id ?? undefined })
  })
