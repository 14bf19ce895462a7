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
  master: "master"
}
