/**
 * A TLS 1.3 connection to a member, before this master has anything of the cluster. With a token the cluster's authority is
 * pinned: its certificate is taken from the chain that the member sends, compared with the fingerprint in the token, and is
 * then the only one that is trusted. Without, the connection proves nothing by itself, and what goes over it is a proof that
 * is worth nothing elsewhere.
 */
import type { X509Certificate } from "node:crypto"
import { connect as netConnect, isIP } from "node:net"
import { connect, type TLSSocket } from "node:tls"
import { channelBinding } from "@nxmesh/core/crypto/ChannelBinding"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { type Address, addressText } from "@nxmesh/core/settings/SettingValues"
import { Clock, Data, Effect, type Scope } from "effect"
import { Limits } from "../Limits.ts"
import { JoinError } from "./JoinCluster.ts"
import { judgeCertificate } from "./MemberCertificate.ts"

/** Nothing there, or nothing that speaks TLS 1.3: another member may do, or the same one later. */
export class MemberUnreachable extends Data.TaggedError("MemberUnreachable")<{ readonly message: string }> {}

export interface MemberConnection {
  readonly socket: TLSSocket
  /** Leaf first, as the member sent them. */
  readonly chain: ReadonlyArray<X509Certificate>
  readonly channelBinding: Uint8Array
}

const chainLengthMax = 8

const chainOf = (socket: TLSSocket): ReadonlyArray<X509Certificate> => {
  const chain: Array<X509Certificate> = []
  let certificate = socket.getPeerX509Certificate()
  while (certificate !== undefined && chain.length < chainLengthMax) {
    const { fingerprint256 } = certificate
    if (chain.some((seen) => seen.fingerprint256 === fingerprint256)) break
    chain.push(certificate)
    certificate = certificate.issuerCertificate
  }
  return chain
}

const handshake = (address: Address): Effect.Effect<TLSSocket, MemberUnreachable, Scope.Scope> => {
  const failed = (why: string) =>
    new MemberUnreachable({ message: `${addressText(address)} cannot be reached: ${why}; check NXMESH_JOIN` })
  const shake = Effect.callback<TLSSocket, MemberUnreachable>((resume) => {
    // Connected first and given to TLS after, so that an interruption closes it at every stage.
    const plain = netConnect(address)
    const socket = connect({
      socket: plain,
      host: address.host,
      minVersion: "TLSv1.3",
      // No authority is known yet: who it is, `requireMember` and the proofs say.
      rejectUnauthorized: false,
      ...(isIP(address.host) === 0 ? { servername: address.host } : {})
    })
    const onError = (cause: Error) => {
      socket.destroy()
      plain.destroy()
      resume(Effect.fail(failed(cause.message)))
    }
    plain.once("error", onError)
    socket.once("error", onError)
    socket.once("secureConnect", () => {
      plain.off("error", onError)
      socket.off("error", onError)
      // What happens to it later, the request on it hears as a close.
      plain.on("error", () => undefined)
      socket.on("error", () => undefined)
      resume(Effect.succeed(socket))
    })
    return Effect.sync(() => {
      socket.destroy()
      plain.destroy()
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: Limits.joining.connectTimeout,
      orElse: () => Effect.fail(failed("it did not answer in time"))
    })
  )
  return Effect.acquireRelease(shake, (socket) => Effect.sync(() => socket.destroy()), { interruptible: true })
}

/** To whoever answers. Nothing but the handshake is written. */
export const connectUnproven = (address: Address): Effect.Effect<MemberConnection, MemberUnreachable, Scope.Scope> =>
  Effect.map(handshake(address), (socket) => ({
    socket,
    chain: chainOf(socket),
    channelBinding: channelBinding(socket)
  }))

const impostor = (address: Address, why: string): JoinError =>
  new JoinError({
    reason: "WrongAuthority",
    message: `${addressText(address)} is not a master of the cluster of the join token: ${why}. It may be an impostor, or NXMESH_JOIN or NXMESH_JOIN_TOKEN is of another cluster`
  })

/**
 * To a member whose certificate is from the authority with this fingerprint. Which host it is does not matter: the authority
 * certifies masters alone, and each of them may let this one in.
 */
export const connectPinned = Effect.fn("MemberConnection.connectPinned")(function* (
  address: Address,
  fingerprint: string
): Effect.fn.Return<MemberConnection, MemberUnreachable | JoinError, Scope.Scope> {
  const connection = yield* connectUnproven(address)
  const authority = connection.chain.find((certificate) => sha256Hex(certificate.raw) === fingerprint)
  if (authority === undefined) {
    const shown = connection.chain.map((certificate) => sha256Hex(certificate.raw)).join(", ")
    return yield* impostor(address, `its certificates are ${shown}, and the token names ${fingerprint}`)
  }
  yield* requireMember(address, connection, authority.toString())
  return connection
})

/** Fails unless the other side of the connection is a master by the word of this authority. */
export const requireMember = Effect.fnUntraced(function* (
  address: Address,
  { chain }: MemberConnection,
  authorityPem: string
): Effect.fn.Return<void, JoinError> {
  const [leaf] = chain
  const nowMillis = yield* Clock.currentTimeMillis
  const judgement = leaf === undefined ? undefined : judgeCertificate(leaf, authorityPem, "server", nowMillis)
  if (judgement?._tag === "Master") return
  return yield* impostor(address, judgement?.detail ?? "it showed no certificate")
})
