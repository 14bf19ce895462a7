/** Choosing what holds for the whole installation. */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import type { CommandOf } from "@nxmesh/protocol/Command"
import { storedSettings } from "../ReadSettings.ts"
import { refuse } from "./Refusal.ts"
import type { Applied, Transaction } from "./Transaction.ts"

/** The name of the one row, for the audit and for who follows. */
export const settingsId = "installation"

export const saveSettings = (tx: Transaction, { chosen, if_match }: CommandOf<"SaveSettings">): Applied => {
  const before = storedSettings(tx.connection)
  if (if_match !== null && if_match !== before.revision) {
    refuse(
      "PRECONDITION_FAILED",
      `the settings have changed: they are at revision ${before.revision}, not ${if_match}; read them again and repeat the change`
    )
  }
  const audit = { kind: "settings", id: settingsId, before: before.chosen, after: chosen } as const
  if (canonicalJson(before.chosen) === canonicalJson(chosen)) return { value: before, events: [], audit }
  tx.connection.run(
    "INSERT OR REPLACE INTO installation_settings (only, updated_at, revision, data) VALUES (1, ?, ?, ?)",
    tx.timestamp,
    tx.index,
    JSON.stringify(chosen)
  )
  const operation = "update"
  const place = { organization_id: null, workspace_id: null }
  return {
    value: storedSettings(tx.connection),
    events: [{ _tag: "ResourceChanged", kind: "settings", id: settingsId, operation, ...place }],
    audit
  }
}
