/** What a version says of its change, in one line, from the contents before and after. */
import { Limits } from "@nxmesh/protocol/Limits"

const stamps: ReadonlySet<string> = new Set(["created_at", "updated_at", "revision"])

const changedFields = (before: object, after: object): ReadonlyArray<string> => {
  const old = new Map(Object.entries(before))
  return Object.entries(after).flatMap(([name, value]) =>
    stamps.has(name) || JSON.stringify(old.get(name)) === JSON.stringify(value) ? [] : [name]
  )
}

const bounded = (text: string) =>
  text.length <= Limits.changeSummaryCharactersMax ? text : `${text.slice(0, Limits.changeSummaryCharactersMax - 1)}…`

export const changeSummary = (before: object, after: object): string => {
  const fields = changedFields(before, after)
  return fields.length === 0 ? "nothing changed" : bounded(`changed ${fields.join(", ")}`)
}
