/**
 * TLS 1.3 to a master whose authority is pinned by fingerprint. The authority's certificate is taken from the chain that
 * the server sends, compared with the pin before a byte is written, and from then on is the only one trusted.
 */
import { connect as netConnect } from "node:net"
import { connect, type ConnectionOptions, type PeerCertificate, type TLSSocket } from "node:tls"
import { certificateFingerprint } from "@nxmesh/core/crypto/Fingerprint"
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

const describe = (url: MasterAddress, cause: Error & { readonly code?: string }): LinkLost => {
  const where = `${url.host}:${url.port}`
  const code = cause.code ?? ""
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
  return new LinkLost({ permanent: false, detail: `cannot connect to ${where}: ${cause.message}` })
}

const handshake = (address: MasterAddress, options: ConnectionOptions): Effect.Effect<TLSSocket, LinkLost> =>
  Effect.callback<TLSSocket, LinkLost>((resume) => {
    // Connected first and given to TLS after, so that an interruption closes it at every stage.
    const plain = netConnect(address)
    const isIp = /^[0-9.]+$|:/.test(address.host)
    const socket = connect({
      ...options,
      socket: plain,
      host: address.host,
      minVersion: "TLSv1.3",
      ...(isIp ? {} : { servername: address.host })
    })
    const onError = (cause: Error) => {
      socket.destroy()
      plain.destroy()
      resume(Effect.fail(describe(address, cause)))
    }
    plain.once("error", onError)
    socket.once("error", onError)
    socket.once("secureConnect", () => {
      socket.off("error", onError)
      plain.off("error", onError)
      // What happens to the socket later, its user hears as a close.
      socket.on("error", () => undefined)
      plain.on("error", () => undefined)
      plain.setNoDelay(true)
      resume(Effect.succeed(socket))
    })
    return Effect.sync(() => {
      socket.destroy()
      plain.destroy()
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: Limits.connectTimeout,
      orElse: () =>
        Effect.fail(
          new LinkLost({ permanent: false, detail: `${address.host}:${address.port} did not answer in time` })
        )
    })
  )

const pem = (der: Buffer): string =>
  `-----BEGIN CERTIFICATE-----\n${der
    .toString("base64")
    .replaceAll(/(.{64})/g, "$1\n")
    .trimEnd()}\n-----END CERTIFICATE-----\n`

/** The certificates a server sent, leaf first. Node links a self-signed one to itself. */
const chainOf = (socket: TLSSocket): ReadonlyArray<Buffer> => {
  const chain: Array<Buffer> = []
  let certificate: PeerCertificate | undefined = socket.getPeerCertificate(true)
  while (certificate?.raw !== undefined && chain.length < 8) {
    const { raw } = certificate
    if (chain.some((seen) => seen.equals(raw))) break
    chain.push(raw)
    certificate = (certificate as PeerCertificate & { issuerCertificate?: PeerCertificate }).issuerCertificate
  }
  return chain
}

/** The certificate with this fingerprint in the chain that the master sends. Nothing but the handshake is written. */
export const learnAuthority = (address: MasterAddress, fingerprint: string): Effect.Effect<string, LinkLost> =>
  handshake(address, { rejectUnauthorized: false }).pipe(
    Effect.flatMap((socket) => {
      const chain = chainOf(socket)
      socket.destroy()
      const authority = chain.find((raw) => certificateFingerprint(raw) === fingerprint)
      if (authority !== undefined) return Effect.succeed(pem(authority))
      const seen = chain.map((raw) => certificateFingerprint(raw)).join(", ")
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
