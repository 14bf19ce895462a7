/** What this cluster is: its id and its certificate authority, opened at the start. */
import type { KeyedCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import type { ClusterId } from "@nxmesh/protocol/Ids"
import { Context } from "effect"

export class Cluster extends Context.Service<
  Cluster,
  {
    readonly clusterId: ClusterId
    readonly authority: KeyedCertificate
    /** SHA-256 of the authority's certificate (DER), lower-case hexadecimal: what agents pin. */
    readonly authorityFingerprint: string
  }
>()("@nxmesh/master/cluster/Cluster") {}
