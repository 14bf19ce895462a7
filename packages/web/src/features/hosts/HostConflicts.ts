/** In what two versions of a virtual host differ, for whoever has to choose one. Pure. */
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { draftOf, hostInput, type HostDraft } from "./HostDraft.ts"

export interface FieldConflict {
  readonly field: string
  readonly mine: string
  readonly theirs: string
}

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value, null, 2))

/** Pure: the fields in which what is typed and what is saved now differ. */
export const conflicts = (mine: HostDraft, theirs: VirtualHost): ReadonlyArray<FieldConflict> => {
  const left: Readonly<Record<string, unknown>> = hostInput(mine)
  const right: Readonly<Record<string, unknown>> = hostInput(draftOf(theirs))
  return Object.keys(right)
    .filter((field) => JSON.stringify(left[field]) !== JSON.stringify(right[field]))
    .map((field) => ({ field, mine: shown(left[field]), theirs: shown(right[field]) }))
}
