/** Logins that last: what somebody sees of their own, and an administrator of another's. */
import { Schema } from "effect"
import { IdentityProviderId, SessionId } from "../Ids.ts"
import { Timestamp } from "./Text.ts"

export const Session = Schema.Struct({
  id: SessionId,
  created_at: Timestamp,
  /** When its tokens were last renewed, which a client in use does every quarter of an hour. */
  last_used_at: Timestamp,
  expires_at: Timestamp,
  /** Where the login came from. */
  remote_address: Schema.String,
  /** What the client said of itself at the login; `null`: nothing. */
  user_agent: Schema.NullOr(Schema.String),
  /** Who vouched for the person; `null`: a password. */
  identity_provider_id: Schema.NullOr(IdentityProviderId),
  /** Whether it is the one that asks. */
  current: Schema.Boolean
}).annotate({ identifier: "Session" })
export type Session = typeof Session.Type
