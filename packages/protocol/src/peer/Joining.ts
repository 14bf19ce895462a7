/** How a master asks to become a member of a cluster, and what it gets. */
import { Schema } from "effect"
import { ClusterId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { MasterDescription } from "../model/Master.ts"

/** HMAC-SHA256 in base64. */
export const Mac = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9+/]{43}=$/))

const hostName = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/))
const ipAddress = Schema.String.check(Schema.isPattern(/^[0-9a-fA-F.:]{2,45}$/))

/** Why the members should let it in. */
export const JoinRequestProof = Schema.Union([
  Schema.TaggedStruct("Token", { token: Schema.RedactedFromValue(Schema.String.check(Schema.isMaxLength(256))) }),
  /** Made with the cluster secret, over the public key, on this connection alone. */
  Schema.TaggedStruct("ClusterSecret", { mac: Mac })
])
export type JoinRequestProof = typeof JoinRequestProof.Type

const applicant = {
  /** PKCS #10, for the key of the master's certificate. */
  certificate_request: Schema.String.check(Schema.isMaxLength(Limits.certificateRequestCharactersMax)),
  master: MasterDescription,
  /** What the certificate is to name beside the master's id. */
  dns_names: Schema.Array(hostName).check(Schema.isMaxLength(Limits.certificateNamesMax)),
  ip_addresses: Schema.Array(ipAddress).check(Schema.isMaxLength(Limits.certificateNamesMax)),
  /** Made with the key-encryption key, over the public key, on this connection alone. */
  key_proof: Mac
}

export const JoinPayload = Schema.Struct({ proof: JoinRequestProof, ...applicant })
export type JoinPayload = typeof JoinPayload.Type

/**
 * Of a master that takes the place of the member whose certificate the connection shows: that member's state is wrong or
 * lost, so it comes back under another id and with another key.
 */
export const ReplacePayload = Schema.Struct(applicant)
export type ReplacePayload = typeof ReplacePayload.Type

export const JoinAccepted = Schema.Struct({
  cluster_id: ClusterId,
  certificate_pem: Schema.String.check(Schema.isMaxLength(Limits.pemCharactersMax)),
  authority_pem: Schema.String.check(Schema.isMaxLength(Limits.pemCharactersMax)),
  /** The members, the new one among them. */
  masters: Schema.Array(MasterDescription),
  /** With a cluster secret: the member's own proof of it, over the authority, on this connection alone. */
  authority_mac: Schema.NullOr(Mac)
})
export type JoinAccepted = typeof JoinAccepted.Type

/** What the proofs are made for (core/crypto/KeyProof): each purpose has a key of its own. */
export const joinProofPurposes = {
  keyFile: "join: key file",
  newMaster: "join: cluster secret, new master",
  member: "join: cluster secret, member"
} as const

const tokenForm = /^nxj1\.([0-9a-f]{64})\.([A-Za-z0-9_-]{22,86})$/

/** `nxj1.<fingerprint of the authority>.<secret>`: who joins pins the authority, and the hash of the whole is stored. */
export const joinTokenText = (authorityFingerprint: string, secret: string): string =>
  `nxj1.${authorityFingerprint}.${secret}`

/** SHA-256 of the authority's certificate, in lower-case hexadecimal; `undefined` when the text is no join token. */
export const fingerprintInJoinToken = (token: string): string | undefined => tokenForm.exec(token)?.[1]
