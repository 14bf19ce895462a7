/**
 * TLS 1.3 to a master whose authority is pinned by fingerprint. The authority's certificate is taken from the chain that
 * the server sends, compared with the pin before a byte is written, and from then on is the only one trusted.
 */
import type { TLSSocket } from "node:tls"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { certificateChain } from "@nxmesh/core/tls/CertificateChain"
import { type HandshakeFailed, type HandshakeOptions, tlsHandshake } from "@nxmesh/core/tls/TlsHandshake"
import { Effect } from "effect"
import { Limits } from "../Limits.ts"
import { LinkLost } from "./LinkLost.ts"

export interface MasterAddress {
  readonly host: string
  readonly port: number
}

/** OpenSSL's codes for a chain that does not lead to the pinned authority, or a certificate for other names. */
const distrust = new Map<string, string>([
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "its certificate is for other names: set NXMESH_ADVERTISE_AGENT on the master to the name agents use"
  ],
  ["CERT_HAS_EXPIRED", "its certificate has expired: compare the clocks, or restart the master to renew it"],
  ["CERT_NOT_YET_VALID", "its certificate is not valid yet: compare the clocks of both machines"]
])

const describe = ({ host, port }: MasterAddress, { code, message }: HandshakeFailed): LinkLost => {
  const where = `${host}:${port}`
  if (code === null) return new LinkLost({ permanent: false, detail: `${where} did not answer in time` })
  const known = distrust.get(code)
  if (known !== undefined) {
    return new LinkLost({
      permanent: code === "ERR_TLS_CERT_ALTNAME_INVALID",
      detail: `${where} is not trusted: ${known}`
    })
  }
  if (/SELF_SIGNED|UNABLE_TO|CERT_|ISSUER/.test(code)) {
    return new LinkLost({
      permanent: true,
      detail: `${where} is not trusted: its certificate is not from the pinned authority (${code}); check NXMESH_MASTER_URL and NXMESH_CA_FINGERPRINT`
    })
  }
  return new LinkLost({ permanent: false, detail: `cannot connect to ${where}: ${message}` })
}

const handshake = (
  address: MasterAddress,
  trust: Pick<HandshakeOptions, "ca" | "rejectUnauthorized">
): Effect.Effect<TLSSocket, LinkLost> =>
  Effect.mapError(tlsHandshake(address, { ...trust, timeout: Limits.connectTimeout }), (cause) =>
    describe(address, cause)
  )

/** The certificate with this fingerprint in the chain that the master sends. Nothing but the handshake is written. */
export const learnAuthority = (address: MasterAddress, fingerprint: string): Effect.Effect<string, LinkLost> =>
  handshake(address, { rejectUnauthorized: false }).pipe(
    Effect.flatMap((socket) => {
      const chain = certificateChain(socket)
      socket.destroy()
      const authority = chain.find(({ raw }) => sha256Hex(raw) === fingerprint)
      if (authority !== undefined) return Effect.succeed(authority.toString())
      const seen = chain.map(({ raw }) => sha256Hex(raw)).join(", ")
      return Effect.fail(
        new LinkLost({
          permanent: true,
          detail: `${address.host}:${address.port} is not a master of this cluster: its certificates are ${seen}, and NXMESH_CA_FINGERPRINT is ${fingerprint}`
        })
      )
    })
  )

/** A connection to a server whose certificate the authority issued for this host. */
export const connectPinned = (address: MasterAddress, authorityPem: string): Effect.Effect<TLSSocket, LinkLost> =>
  handshake(address, { ca: [authorityPem], rejectUnauthorized: true })
