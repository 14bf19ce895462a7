/** What this cluster is: its id, its certificate authority and the keys that sign access tokens, opened at the start. */
import type { KeyedCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import type { ClusterId } from "@nxmesh/protocol/Ids"
import { Context, type Redacted } from "effect"
import type { JWK } from "jose"

export interface SigningKey {
  /** The `kid` of tokens: the key's thumbprint (RFC 7638). */
  readonly keyId: string
  readonly publicJwk: JWK
  readonly privateJwk: Redacted.Redacted<JWK>
}

export class Cluster extends Context.Service<
  Cluster,
  {
    readonly clusterId: ClusterId
    readonly authority: KeyedCertificate
    /** SHA-256 of the authority's certificate (DER), lower-case hexadecimal: what agents pin. */
    readonly authorityFingerprint: string
    /** The newest first: it signs; all of them verify. */
    readonly signingKeys: readonly [SigningKey, ...ReadonlyArray<SigningKey>]
  }
>()("@nxmesh/master/cluster/Cluster") {}
