import type { X509Certificate } from "node:crypto"
import type { TLSSocket } from "node:tls"
import { Limits } from "../Limits.ts"

/** The certificates that the other side sent, leaf first. Node links a self-signed one to itself. */
export const certificateChain = (socket: TLSSocket): ReadonlyArray<X509Certificate> => {
  const chain: Array<X509Certificate> = []
  let certificate = socket.getPeerX509Certificate()
  while (certificate !== undefined && chain.length < Limits.crypto.chainLengthMax) {
    const { fingerprint256 } = certificate
    if (chain.some((seen) => seen.fingerprint256 === fingerprint256)) break
    chain.push(certificate)
    certificate = certificate.issuerCertificate
  }
  return chain
}
