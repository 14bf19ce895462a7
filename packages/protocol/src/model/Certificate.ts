/** Certificates (MF-004). The private key is sealed before a command exists, and no answer ever holds it. */
import { Schema } from "effect"
import { CertificateId, SecretVersionId, Sha256, WorkspaceId } from "../Ids.ts"
import { Limits } from "../Limits.ts"
import { SealedSecret } from "./SealedSecret.ts"
import { stamps, withDefault } from "./Resource.ts"
import { Name, Timestamp } from "./Text.ts"

export const CertificateProvider = Schema.Literals(["lets_encrypt", "custom"])
export const CertificateStatus = Schema.Literals(["pending", "active", "expired", "error"])

const pem = Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(Limits.pemCharactersMax))

/** What the master reads out of an uploaded certificate. */
const facts = {
  name: Name,
  /** The first subject alternative name, or the common name where there is none. */
  domain: Schema.String,
  subject_alternative_names: Schema.Array(Schema.String),
  is_wildcard: Schema.Boolean,
  provider: CertificateProvider,
  issued_at: Timestamp,
  expires_at: Timestamp,
  auto_renew: Schema.Boolean,
  /** The leaf first, then its intermediates. */
  certificate_pem: Schema.String,
  fingerprint_sha256: Sha256
}

/** As answered: `status` follows from the dates at the time of the answer. */
export const Certificate = Schema.Struct({
  id: CertificateId,
  workspace_id: WorkspaceId,
  ...facts,
  status: CertificateStatus,
  ...stamps
}).annotate({ identifier: "Certificate" })
export type Certificate = typeof Certificate.Type

/** As stored and versioned: with the key, sealed. */
export const StoredCertificate = Schema.Struct({
  id: CertificateId,
  workspace_id: WorkspaceId,
  ...facts,
  private_key: SealedSecret,
  secret_version_id: SecretVersionId,
  ...stamps
})
export type StoredCertificate = typeof StoredCertificate.Type

export const CertificateCreate = Schema.Struct({
  workspace_id: WorkspaceId,
  name: Name,
  provider: withDefault(Schema.Literal("custom"), "custom"),
  certificate_pem: pem,
  private_key_pem: pem
}).annotate({ identifier: "CertificateCreate" })
export type CertificateCreate = typeof CertificateCreate.Type

/** Replaces name, or certificate and key together (a renewal by hand). */
export const CertificatePatch = Schema.Struct({
  name: Schema.optionalKey(Name),
  certificate_pem: Schema.optionalKey(pem),
  private_key_pem: Schema.optionalKey(pem)
}).annotate({ identifier: "CertificatePatch" })
export type CertificatePatch = typeof CertificatePatch.Type
