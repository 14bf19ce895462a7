/** On whose behalf a command acts. Always derived from a verified token or connection, never from a client's word. */
import { Schema } from "effect"
import { AgentId, SessionId, UserId } from "./Ids.ts"

export const Principal = Schema.Union([
  Schema.TaggedStruct("User", { user_id: UserId, session_id: SessionId }),
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
    case "Agent":
      return `agent:${principal.agent_id}`
    case "System":
      return `system:${principal.component}`
  }
}
