/** How long the audit is kept in the cluster. What was not exported is never forgotten. */
import { Schema } from "effect"

export const auditSettingsFields = {
  /** Days after which exported entries are forgotten; `null`: never by themselves. */
  retention_days: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 36_500 })))
}

export const AuditSettings = Schema.Struct(auditSettingsFields).annotate({ identifier: "AuditSettings" })
export type AuditSettings = typeof AuditSettings.Type

export const auditSettingsDefault: AuditSettings = { retention_days: null }
