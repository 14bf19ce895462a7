/** Why a master does not do what another one asks. */
import { Schema } from "effect"

/**
 * The reasons that this version gives; each is a label of `nxmesh_master_peer_refused_total`. A master of another version
 * may give others, so the wire carries text.
 */
export const peerRefusalReasons = [
  /** Masters show a certificate; this caller showed none. */
  "no_certificate",
  /** The certificate is not from this cluster's authority. */
  "untrusted_certificate",
  "expired_certificate",
  /** From the authority, and without the name of a master: an agent's, or a server's of another kind. */
  "no_master_name",
  /** Its master was removed, or is not a member yet as far as this one knows. */
  "not_a_member",
  /** The join token is unknown, or was revoked. */
  "token_unknown",
  "token_expired",
  /** Another master joined with the token. */
  "token_used",
  /** The caller did not show that it knows the cluster secret, or this cluster takes none. */
  "cluster_secret",
  /** The caller's key-encryption key is not the cluster's. */
  "key_file",
  /** Another member has the name. */
  "name_taken",
  /** Another member has one of the addresses. */
  "address_taken",
  /** A master says no address by which others reach it. */
  "address_unspecific",
  /** The cluster's version is not among those that the caller's build knows. */
  "cluster_version",
  /** There are as many masters as a cluster may have. */
  "full",
  /** The id belonged to a master that was removed. */
  "removed",
  /** A request that cannot be understood, or contradicts itself. */
  "malformed",
  /** Apply refused for another reason, which the detail tells. */
  "rejected"
] as const
export type PeerRefusalReason = (typeof peerRefusalReasons)[number]

/** For good: asking again, or another master, gets the same answer until somebody changes something. */
export class PeerRefused extends Schema.TaggedError<PeerRefused>()(
  "PeerRefused",
  { reason: Schema.String, detail: Schema.String },
  { httpApiStatus: 403 }
) {
  override get message(): string {
    return this.detail
  }
}

/** Why not now. */
export const peerUnavailableReasons = [
  /** No leader is known, so nothing can be written. */
  "no_leader",
  /** More requests than this master takes at once. */
  "busy",
  /** Too many attempts to join from this address. */
  "too_many_attempts",
  /** This master stops, or has not got so far yet. */
  "not_ready",
  /** Whether it was done is unknown; asking again with the same content is safe. */
  "outcome_unknown",
  /** The agent that a message is for is not connected here. */
  "not_connected"
] as const
export type PeerUnavailableReason = (typeof peerUnavailableReasons)[number]

/** Not now, or not here: try again, or another master. */
export class PeerUnavailable extends Schema.TaggedError<PeerUnavailable>()(
  "PeerUnavailable",
  { reason: Schema.String, detail: Schema.String },
  { httpApiStatus: 503 }
) {
  override get message(): string {
    return this.detail
  }
}

export const peerRefused = (reason: PeerRefusalReason, detail: string): PeerRefused =>
  new PeerRefused({ reason, detail })

export const peerUnavailable = (reason: PeerUnavailableReason, detail: string): PeerUnavailable =>
  new PeerUnavailable({ reason, detail })
