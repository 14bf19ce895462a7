/** Whether a master's certificate still serves, and another one when it does not. */
import { X509Certificate } from "node:crypto"
import { issueServerCertificate, type KeyedCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Clock, Duration, Effect } from "effect"
import { Limits } from "../Limits.ts"
import { masterUri, type ServerNames } from "./CertificateNames.ts"
import type { NodeIdentity } from "./NodeIdentity.ts"

const namesNode = ({ subjectAltName }: X509Certificate, id: MasterId): boolean =>
  subjectAltName?.split(", ").includes(`URI:${masterUri(id)}`) ?? false

/** Pure: whether it names all of these, comes from this authority and has time left. */
export const isUsable = (
  certificatePem: string,
  authorityPem: string,
  id: MasterId,
  { dnsNames, ipAddresses }: ServerNames,
  nowMillis: number
): boolean => {
  const certificate = new X509Certificate(certificatePem)
  const renewAtMillis = certificate.validToDate.getTime() - Duration.toMillis(Limits.cluster.certificateRenewal)
  return (
    nowMillis < renewAtMillis &&
    certificate.verify(new X509Certificate(authorityPem).publicKey) &&
    namesNode(certificate, id) &&
    dnsNames.every((name) => certificate.checkHost(name) !== undefined) &&
    ipAddresses.every((address) => certificate.checkIP(address) !== undefined)
  )
}

/** Issues another certificate when it is time, with a key of its own, and keeps it. */
export const renewWhenDue = Effect.fn("CertificateRenewal.renewWhenDue")(function* (
  identity: NodeIdentity["Service"],
  authority: KeyedCertificate,
  names: ServerNames
) {
  const { certificatePem } = yield* identity.current
  const nowMillis = yield* Clock.currentTimeMillis
  if (isUsable(certificatePem, authority.certificatePem, identity.nodeId, names, nowMillis)) return
  const issued = yield* issueServerCertificate(authority, { ...names, uris: [masterUri(identity.nodeId)] })
  yield* identity.replace({ ...issued, authorityPem: authority.certificatePem })
  yield* Effect.logInfo("issued a certificate for this master", {
    names: [...names.dnsNames, ...names.ipAddresses],
    expires_at: new Date(issued.expiresAtMillis).toISOString()
  })
})
