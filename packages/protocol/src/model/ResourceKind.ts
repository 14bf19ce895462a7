import { Schema } from "effect"

/** Kinds whose every change makes an immutable version (CM-003). */
export const VersionedKind = Schema.Literals(["virtual_host", "upstream", "certificate", "template"])
export type VersionedKind = typeof VersionedKind.Type

/** Every kind that the API keeps; audit entries and references name one. */
export const ResourceKind = Schema.Literals([
  /** What holds for the whole installation: there is one. */
  "settings",
  "organization",
  "workspace",
  "agent",
  "enrolment_token",
  "user",
  "role",
  "group",
  "role_binding",
  "service_account",
  "api_key",
  "master",
  "join_token",
  "virtual_host",
  "upstream",
  "certificate",
  "template",
  "alert_rule",
  "alert_silence",
  "alert",
  "webhook"
])
export type ResourceKind = typeof ResourceKind.Type

/** Names one resource, for references, errors and clashes. */
export const ResourceReference = Schema.Struct({
  kind: ResourceKind,
  id: Schema.String,
  name: Schema.String
})
export type ResourceReference = typeof ResourceReference.Type
