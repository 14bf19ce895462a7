/** The workspace that one works in, kept in the browser; `null`: all that one may see. */
import type { WorkspaceId } from "@nxmesh/protocol/Ids"
import { AsyncResult, Atom } from "effect/reactivity"
import { Api } from "../api/Api.ts"
import { everything } from "../api/Live.ts"
import { useAtomSet, useAtomValue } from "../atoms/UseAtom.ts"

const storageKey = "nxmesh.workspace"

const stored = (): WorkspaceId | null => localStorage.getItem(storageKey) as WorkspaceId | null

const chosenAtom = Atom.keepAlive(Atom.make<WorkspaceId | null>(stored()))

const workspacesMax = 200

export const workspacesAtom = Api.query("workspaces", "list", {
  query: { page: 1, per_page: workspacesMax, sort: "name" },
  reactivityKeys: ["workspace", everything]
})

export const useWorkspaces = () => {
  const result = AsyncResult.value(useAtomValue(workspacesAtom))
  return result._tag === "Some" ? result.value.data : []
}

/** What is remembered of a workspace that is gone counts as nothing. */
export const useWorkspace = (): WorkspaceId | null => {
  const chosen = useAtomValue(chosenAtom)
  const workspaces = useWorkspaces()
  return workspaces.some(({ id }) => id === chosen) ? chosen : null
}

export const useChooseWorkspace = () => {
  const set = useAtomSet(chosenAtom)
  return (id: WorkspaceId | null) => {
    if (id === null) localStorage.removeItem(storageKey)
    else localStorage.setItem(storageKey, id)
    set(id)
  }
}
