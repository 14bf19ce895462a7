/**
 * Mutual TLS 1.3: both sides show a certificate of the cluster's authority, and its name, a URI among the subject's
 * alternative names, must be the one that the hello says. So a client cannot speak as a node, nor a node as another one.
 */
import { randomBytes } from "node:crypto"
import { isIPv6 } from "node:net"
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls"
import type { Socket } from "node:net"
import { type Hello } from "./Hello.ts"
import { networkError, TransportError } from "./TransportError.ts"

/** Texts of PEM. They can be replaced while the transport runs. */
export interface TlsIdentity {
  /** The node's or client's own, followed by intermediates. */
  readonly certificatePem: string
  readonly privateKeyPem: string
  /** Whose certificates are accepted. While authorities are being replaced: the old one and the new one. */
  readonly authoritiesPem: string
}

export const certificateName = (role: Hello["role"], name: string): string =>
  `raft:${role === "peer" ? "node" : "client"}:${encodeURIComponent(name)}`

/** Options of node:tls for both sides. Throws TransportError. */
export const tlsOptions = ({ authoritiesPem, certificatePem, privateKeyPem }: TlsIdentity) => ({
  cert: certificatePem,
  key: privateKeyPem,
  ca: authoritiesPem,
  minVersion: "TLSv1.3" as const,
  // New ones with each identity, so that no session outlives the authority that it was verified by.
  ticketKeys: randomBytes(48)
})

export const secureContext = (identity: TlsIdentity): SecureContext => {
  try {
    return createSecureContext(tlsOptions(identity))
  } catch (cause) {
    throw networkError(
      "the certificate, its key or the authorities cannot be used; check that they belong together",
      cause
    )
  }
}

/** Why the certificate on the other side is not that of this node or client; `null`: it is, or there is no TLS. */
export const identityProblem = (socket: Socket, role: Hello["role"], name: string): TransportError | null => {
  if (!(socket instanceof TLSSocket)) return null
  const wanted = certificateName(role, name)
  // Node quotes a name with characters that could be taken for a separator: such a name is never equal.
  const names = socket.getPeerX509Certificate()?.subjectAltName?.split(", ") ?? []
  if (names.includes(`URI:${wanted}`)) return null
  const shown = names.join(", ") || "no name"
  return new TransportError({
    reason: "WrongIdentity",
    message: `${name} says it is ${wanted}, its certificate says ${shown}; give it a certificate with the URI ${wanted}`
  })
}

/** Whether what is sent there stays on this machine. */
export const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || (!isIPv6(host) && /^127(\.\d{1,3}){3}$/.test(host))

export const plaintextProblem = (host: string): TransportError =>
  new TransportError({
    reason: "Plaintext",
    message: `without TLS nodes speak on loopback only, not with ${host}; give the node a certificate, or allow plaintext where the network is trusted`
  })
