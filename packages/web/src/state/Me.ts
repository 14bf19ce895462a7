/** Who is signed in and what they may do: what they may not do is not offered. */
import type { Permission } from "@nxmesh/protocol/model/Permission"
import { AsyncResult, Atom } from "effect/reactivity"
import { Api } from "../api/Api.ts"
import { everything } from "../api/Live.ts"
import { useAtomValue } from "../atoms/UseAtom.ts"

export const meAtom = Atom.keepAlive(
  Api.query("users", "me", { reactivityKeys: ["user", "role", "group", "role_binding", everything] })
)

export const useMe = () => {
  const me = AsyncResult.value(useAtomValue(meAtom))
  return me._tag === "Some" ? me.value.data : undefined
}

/** Whether something is offered at all; the master decides at each request. */
export const useMay = (permission: Permission): boolean => useMe()?.permissions.includes(permission) ?? false
