/** Nobody gives away more than they hold, and somebody is always left who may administer. */
import { type Access, exceeding, type Scope } from "@nxmesh/protocol/model/Access"
import { grantsOf, hasAdministrator } from "../ReadAccess.ts"
import { refuse } from "./Refusal.ts"
import type { Transaction } from "./Transaction.ts"

const whereWords = (scope: Scope): string => {
  switch (scope._tag) {
    case "Installation":
      return "in the whole installation"
    case "Organization":
      return `in organization ${scope.organizationId}`
    case "Workspace":
      return `in workspace ${scope.workspaceId}`
  }
}

/** Refuses what would give somebody a permission that the principal does not hold there. `what` it is, as in "the role". */
export const requireHoldsAll = ({ connection, principal }: Transaction, given: Access, what: string): void => {
  if (principal._tag === "System") return
  const excess = exceeding(grantsOf(connection, principal), given)
  if (excess === null) return
  refuse(
    "FORBIDDEN",
    `${what} would give ${excess.permission} ${whereWords(excess.scope)}, which you do not hold there yourself`
  )
}

/** Does it, unless nobody would be left who may administer the installation. */
export const keepingAdministrator = <A>({ connection }: Transaction, work: () => A): A => {
  const had = hasAdministrator(connection)
  const done = work()
  if (had && !hasAdministrator(connection)) {
    refuse("CONFLICT", "this is the last administrator: make another one first")
  }
  return done
}
