/** Which master a certificate belongs to, and whether the cluster's authority says so. Pure. */
import { X509Certificate } from "node:crypto"
import { MasterId } from "@nxmesh/protocol/Ids"
import { Schema } from "effect"

/** As Raft names its nodes (raft/transport/tcp/Tls). */
const namePrefix = "URI:raft:node:"

/** RFC 5280, 4.2.1.12. */
const purposes = { client: "1.3.6.1.5.5.7.3.2", server: "1.3.6.1.5.5.7.3.1" } as const

const isMasterId = Schema.is(MasterId)

export type CertificateFault = "untrusted_certificate" | "expired_certificate" | "no_master_name"

export type CertificateJudgement =
  | { readonly _tag: "Master"; readonly id: MasterId; readonly validToMillis: number }
  | { readonly _tag: "Fault"; readonly fault: CertificateFault; readonly detail: string }

const fault = (reason: CertificateFault, detail: string): CertificateJudgement => ({
  _tag: "Fault",
  fault: reason,
  detail
})

/** Signed by the authority itself: masters' certificates have nothing in between. */
const isFrom = (certificate: X509Certificate, authority: X509Certificate): boolean =>
  !certificate.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey)

const namedMaster = (certificate: X509Certificate): MasterId | undefined => {
  // Node quotes a name with characters that could be taken for a separator: such a name is never one of ours.
  const names = (certificate.subjectAltName ?? "").split(", ").filter((name) => name.startsWith(namePrefix))
  const id = names[0]?.slice(namePrefix.length)
  return names.length === 1 && isMasterId(id) ? id : undefined
}

/** Whether the holder of this certificate is a master, and which, when it acts as this side of a connection. */
export const judgeCertificate = (
  certificate: X509Certificate,
  authorityPem: string,
  side: keyof typeof purposes,
  nowMillis: number
): CertificateJudgement => {
  if (!isFrom(certificate, new X509Certificate(authorityPem))) {
    return fault("untrusted_certificate", "the certificate is not from this cluster's authority")
  }
  const validToMillis = certificate.validToDate.getTime()
  if (nowMillis < certificate.validFromDate.getTime() || nowMillis >= validToMillis) {
    return fault(
      "expired_certificate",
      `the certificate is valid from ${certificate.validFrom} to ${certificate.validTo}: compare the clocks of both machines, or restart that master so that it renews it`
    )
  }
  const id = namedMaster(certificate)
  // The types know no certificate without a list of purposes, and there are such.
  const allowed: ReadonlyArray<string> = (certificate.keyUsage as ReadonlyArray<string> | undefined) ?? []
  if (id === undefined || !allowed.includes(purposes[side])) {
    return fault("no_master_name", "the certificate is from this cluster's authority, and not a master's")
  }
  return { _tag: "Master", id, validToMillis }
}
