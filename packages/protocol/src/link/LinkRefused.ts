/** Why the master does not serve a call or a connection of an agent. */
import { Schema } from "effect"

/**
 * The reasons that this version gives; each is a label of `nxmesh_master_link_refused_total`. A peer of another version
 * may give others, so the wire carries text and the agent acts on `permanent` alone.
 */
export const refusalReasons = [
  /** A call that must be signed and is not, or whose signature lacks a part. */
  "unsigned",
  /** The signature does not belong to this method, path, body, time, nonce and connection under this key. */
  "bad_signature",
  /** Signed with a key that the master does not hold for this agent: revoked, or rotated away. */
  "unknown_key",
  /** The agent was removed. */
  "unknown_agent",
  /** Signed too long ago, or ahead of the master's clock. */
  "stale",
  /** The nonce was used before on this connection. */
  "replay",
  /** The client set a header by which identity could be claimed. */
  "identity_header",
  /** The connection belongs to another agent since its first verified call. */
  "other_agent",
  /** The enrolment token is unknown, used, revoked or expired. */
  "token_refused",
  /** The enrolling agent did not show that it holds the private key. */
  "bad_proof",
  /** No protocol version in common. */
  "protocol_version",
  /** A newer connection of the same agent took over. */
  "superseded",
  /** A frame that is no call, or too large. */
  "malformed",
  /** Not registered on this connection: `Register` comes before everything else. */
  "unregistered",
  /** The first verified call did not come in time. */
  "unauthenticated",
  /** The agent has accepted a directive newer than what this master knows so far: another master knows more. */
  "behind",
  /** The list of addresses from which agents may connect does not hold this one. */
  "address_not_allowed",
  /** More connections than the master takes. */
  "connection_limit",
  /** The master cannot do it now: it stops, or has no quorum. */
  "unavailable"
] as const
export type RefusalReason = (typeof refusalReasons)[number]

/** True when only a person can mend it, so that an agent should not come again soon. */
export const isPermanentRefusal = (reason: RefusalReason): boolean => {
  switch (reason) {
    case "unknown_key":
    case "unknown_agent":
    case "bad_signature":
    case "identity_header":
    case "token_refused":
    case "bad_proof":
    case "protocol_version":
      return true
    default:
      return false
  }
}

/** A refusal, with a sentence that says what to do. */
export class LinkRefused extends Schema.TaggedError<LinkRefused>()("LinkRefused", {
  reason: Schema.String,
  permanent: Schema.Boolean,
  detail: Schema.String
}) {
  override get message(): string {
    return this.detail
  }
}

export const refused = (reason: RefusalReason, detail: string): LinkRefused =>
  new LinkRefused({ reason, permanent: isPermanentRefusal(reason), detail })
