/** On whose behalf a command acts. Always derived from a verified token or connection, never from a client's word. */
import { Schema } from "effect"
import { AgentId, ApiKeyId, ServiceAccountId, SessionId, UserId } from "./Ids.ts"

export const Principal = Schema.Union([
  Schema.TaggedStruct("User", { user_id: UserId, session_id: SessionId }),
  /** A program, by the API key that it showed. Since cluster version 4. */
  Schema.TaggedStruct("ServiceAccount", { service_account_id: ServiceAccountId, api_key_id: ApiKeyId }),
  Schema.TaggedStruct("Agent", { agent_id: AgentId }),
  /** A part of the master itself, by name. */
  Schema.TaggedStruct("System", { component: Schema.String })
])
export type Principal = typeof Principal.Type

/** One word for logs, audit entries and `created_by`. */
export const principalName = (principal: Principal): string => {
  switch (principal._tag) {
    case "User":
      return principal.user_id
    case "ServiceAccount":
      return `service_account:${principal.service_account_id}`
    case "Agent":
      return `agent:${principal.agent_id}`
    case "System":
      return `system:${principal.component}`
  }
}
