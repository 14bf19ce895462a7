/** People, and the rule that someone is always left who may administer. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import { installation } from "@nxmesh/protocol/model/Access"
import { rolePermissions } from "@nxmesh/protocol/model/Permission"
import type { ResourceOf } from "../Kinds.ts"
import { grantsOfSubject, keepsBindings } from "../ReadAccess.ts"
import { endSessionsOf } from "./Sessions.ts"
import { keepingAdministrator, requireHoldsAll } from "./Escalation.ts"
import { leaveGroups } from "./Groups.ts"
import { requireHome } from "./Homes.ts"
import { refuseFields } from "./Refusal.ts"
import { eraseBindingsOf } from "./RoleBindings.ts"
import { erase, replaced, required, requireUnique, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

export const withoutHash = ({ password_hash: _hash, ...user }: ResourceOf<"user">) => user

/** The person with another password, which has to be changed again or not. */
export const withPassword = (
  { must_change_password: _must, ...user }: ResourceOf<"user">,
  password_hash: string,
  mustChange: boolean
): ResourceOf<"user"> => ({ ...user, password_hash, ...(mustChange ? { must_change_password: true } : {}) })

/** What only since cluster version 4 belongs to a person. */
const forgetLinks = (tx: Transaction, id: string): void => {
  if (!keepsBindings(tx.connection)) return
  tx.connection.run("DELETE FROM password_tokens WHERE user_id = ?", id)
  tx.connection.run("DELETE FROM external_identities WHERE user_id = ?", id)
}

type Content = CommandOf<"SaveUser">["user"]

const placeOf = ({ organization_id }: Pick<Content, "organization_id">) => ({ organization_id })

/** Whoever changes a person could act as that person: so they hold all that the person holds, before and after. */
const requireHoldsPerson = (tx: Transaction, before: { readonly id: Content["id"] } | undefined): void => {
  if (before === undefined) return
  requireHoldsAll(tx, grantsOfSubject(tx.connection, { kind: "user", id: before.id }), "the account")
}

const requireRole = (tx: Transaction, before: Pick<Content, "role"> | undefined, user: Content): void => {
  if (user.role === null || user.role === before?.role) return
  if (user.organization_id !== undefined) {
    refuseFields([{ field: "role", message: "is for people of the installation: bind a role in the organization" }])
  }
  requireHoldsAll(tx, [{ scope: installation, permissions: new Set(rolePermissions[user.role]) }], "the role")
}

export const saveUser = (tx: Transaction, command: CommandOf<"SaveUser">): Applied => {
  const { user } = command
  const before = replaced(tx, "user", user.id, command)
  requireUnique(tx, "user", user.id, "email", { email: user.email })
  requireHome(tx, user.organization_id, before)
  requireHoldsPerson(tx, before)
  requireRole(tx, before, user)
  const { after, changed } = keepingAdministrator(tx, () => write(tx, "user", before, user))
  const events: Array<Event> = changed ? [resourceChanged("user", after.id, command.mode, placeOf(after))] : []
  if (after.disabled) events.push(...endSessionsOf(tx, after.id, "user disabled", null))
  return { value: withoutHash(after), events, audit: { kind: "user", id: after.id, before: before ?? null, after } }
}

export const changePassword = (tx: Transaction, command: CommandOf<"ChangePassword">): Applied => {
  const before = required(tx, "user", command.id)
  if (tx.principal._tag !== "User" || tx.principal.user_id !== command.id) requireHoldsPerson(tx, before)
  const { after, changed } = write(
    tx,
    "user",
    before,
    withPassword(before, command.password_hash, command.must_change === true)
  )
  if (keepsBindings(tx.connection)) tx.connection.run("DELETE FROM password_tokens WHERE user_id = ?", before.id)
  return {
    value: withoutHash(after),
    events: [
      ...(changed ? [resourceChanged("user", after.id, "update", placeOf(after))] : []),
      ...endSessionsOf(tx, after.id, "password changed", command.keep_session)
    ],
    audit: { kind: "user", id: after.id, before, after }
  }
}

export const deleteUser = (tx: Transaction, command: CommandOf<"DeleteUser">): Applied => {
  const before = required(tx, "user", command.id, command.if_match)
  requireHoldsPerson(tx, before)
  const ended = endSessionsOf(tx, command.id, "user deleted", null)
  const left = keepingAdministrator(tx, () => {
    const gone = [...leaveGroups(tx, command.id), ...eraseBindingsOf(tx, { kind: "user", id: command.id })]
    erase(tx, "user", command.id)
    forgetLinks(tx, command.id)
    return gone
  })
  return {
    value: null,
    events: [...left, resourceChanged("user", command.id, "delete", placeOf(before)), ...ended],
    audit: { kind: "user", id: command.id, before, after: null }
  }
}
