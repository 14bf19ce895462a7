import type { Kind } from "./Kinds.ts"

/** What messages call a resource of each kind. */
export const kindWords: Readonly<Record<Kind, string>> = {
  organization: "organization",
  workspace: "workspace",
  agent: "agent",
  virtual_host: "virtual host",
  upstream: "upstream",
  certificate: "certificate",
  template: "template",
  user: "user",
  role: "role",
  group: "group",
  role_binding: "role binding",
  service_account: "service account",
  alert_rule: "alert rule",
  alert_silence: "silence",
  webhook: "webhook",
  master: "master"
}
