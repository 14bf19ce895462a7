/** Ids of what a handler makes: made here, because apply makes none. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { ConfigVersionId } from "@nxmesh/protocol/Ids"
import { Effect } from "effect"

/** A new id of one kind. */
export const newId = <Id>(kind: { readonly make: (text: string) => Id }) =>
  Effect.gen(function* () {
    return kind.make(yield* (yield* Identifiers).uuid)
  })

/** What every command that saves a version carries. */
export const newVersion = (changeSummary: string, rollbackOf: number | null = null) =>
  Effect.map(newId(ConfigVersionId), (version_id) => ({
    version_id,
    change_summary: changeSummary,
    rollback_of: rollbackOf
  }))

/** The same for a delete. */
export const lastVersion = (changeSummary: string) =>
  Effect.map(newId(ConfigVersionId), (version_id) => ({ version_id, change_summary: changeSummary }))
