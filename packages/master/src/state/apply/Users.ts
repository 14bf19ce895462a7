/** People, and the rule that someone is always left who may administer. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import type { ResourceOf } from "../Kinds.ts"
import { endSessionsOf } from "./Sessions.ts"
import { refuse } from "./Refusal.ts"
import { erase, replaced, required, requireUnique, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

const withoutHash = ({ password_hash: _hash, ...user }: ResourceOf<"user">) => user

const requireAnotherAdministrator = ({ connection }: Transaction, id: string): void => {
  const other = connection.get(
    "SELECT 1 AS found FROM users WHERE role = 'admin' AND disabled = 0 AND id <> ? LIMIT 1",
    id
  )
  if (other === undefined) refuse("CONFLICT", "this is the last administrator: make another one first")
}

export const saveUser = (tx: Transaction, command: CommandOf<"SaveUser">): Applied => {
  const { user } = command
  const before = replaced(tx, "user", user.id, command)
  requireUnique(tx, "user", user.id, "email", { email: user.email })
  const administrator = (candidate: { readonly role: string; readonly disabled: boolean }) =>
    candidate.role === "admin" && !candidate.disabled
  if (before !== undefined && administrator(before) && !administrator(user)) requireAnotherAdministrator(tx, user.id)
  const { after, changed } = write(tx, "user", before, user)
  const events: Array<Event> = changed ? [resourceChanged("user", after.id, command.mode)] : []
  if (after.disabled) events.push(...endSessionsOf(tx, after.id, "user disabled", null))
  return { value: withoutHash(after), events, audit: { kind: "user", id: after.id, before: before ?? null, after } }
}

export const changePassword = (tx: Transaction, command: CommandOf<"ChangePassword">): Applied => {
  const before = required(tx, "user", command.id)
  const { after, changed } = write(tx, "user", before, { ...before, password_hash: command.password_hash })
  return {
    value: withoutHash(after),
    events: [
      ...(changed ? [resourceChanged("user", after.id, "update")] : []),
      ...endSessionsOf(tx, after.id, "password changed", command.keep_session)
    ],
    audit: { kind: "user", id: after.id, before, after }
  }
}

export const deleteUser = (tx: Transaction, command: CommandOf<"DeleteUser">): Applied => {
  const before = required(tx, "user", command.id, command.if_match)
  if (before.role === "admin" && !before.disabled) requireAnotherAdministrator(tx, command.id)
  const ended = endSessionsOf(tx, command.id, "user deleted", null)
  erase(tx, "user", command.id)
  return {
    value: null,
    events: [resourceChanged("user", command.id, "delete"), ...ended],
    audit: { kind: "user", id: command.id, before, after: null }
  }
}
