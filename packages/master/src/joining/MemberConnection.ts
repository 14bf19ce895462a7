/**
 * A TLS 1.3 connection to a member, before this master has anything of the cluster. With a token the cluster's authority is
 * pinned: its certificate is taken from the chain that the member sends, compared with the fingerprint in the token, and is
 * then the only one that is trusted. Without, the connection proves nothing by itself, and what goes over it is a proof that
 * is worth nothing elsewhere.
 */
import type { X509Certificate } from "node:crypto"
import type { TLSSocket } from "node:tls"
import type { KeyedCertificate } from "@nxmesh/core/crypto/CertificateAuthority"
import { channelBinding } from "@nxmesh/core/crypto/ChannelBinding"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { type Address, addressText } from "@nxmesh/core/settings/SettingValues"
import { certificateChain } from "@nxmesh/core/tls/CertificateChain"
import { tlsHandshake } from "@nxmesh/core/tls/TlsHandshake"
import { Clock, Data, Effect, Redacted, type Scope } from "effect"
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

/** To whoever answers. Nothing but the handshake is written. */
export const connectUnproven = (
  address: Address,
  shown: KeyedCertificate | null = null
): Effect.Effect<MemberConnection, MemberUnreachable, Scope.Scope> => {
  const shaken = tlsHandshake(address, {
    // No authority is known yet: who it is, `requireMember` and the proofs say.
    rejectUnauthorized: false,
    timeout: Limits.joining.connectTimeout,
    ...(shown === null ? {} : { cert: shown.certificatePem, key: Redacted.value(shown.privateKeyPem) })
  }).pipe(
    Effect.mapError(
      ({ message }) =>
        new MemberUnreachable({ message: `${addressText(address)} cannot be reached: ${message}; check NXMESH_JOIN` })
    )
  )
  const acquired = Effect.acquireRelease(shaken, (socket) => Effect.sync(() => socket.destroy()), {
    interruptible: true
  })
  return Effect.map(acquired, (socket) => ({
    socket,
    chain: certificateChain(socket),
    channelBinding: channelBinding(socket)
  }))
}

/** The only authority that is trusted, and from where this master knows it. */
export interface PinnedAuthority {
  readonly fingerprint: string
  readonly from: "the join token" | "node.json"
}

const impostor = (address: Address, why: string, from: PinnedAuthority["from"] = "the join token"): JoinError => {
  const others = from === "node.json" ? "NXMESH_JOIN is" : "NXMESH_JOIN or NXMESH_JOIN_TOKEN is"
  return new JoinError({
    reason: "WrongAuthority",
    message: `${addressText(address)} is not a master of the cluster of ${from}: ${why}. It may be an impostor, or ${others} of another cluster`
  })
}

/**
 * To a member whose certificate is from the pinned authority, showing `shown`. Which host it is does not matter: the
 * authority certifies masters alone, and each of them may let this one in.
 */
export const connectPinned = Effect.fn("MemberConnection.connectPinned")(function* (
  address: Address,
  { fingerprint, from }: PinnedAuthority,
  shown: KeyedCertificate | null = null
): Effect.fn.Return<MemberConnection, MemberUnreachable | JoinError, Scope.Scope> {
  const connection = yield* connectUnproven(address, shown)
  const authority = connection.chain.find((certificate) => sha256Hex(certificate.raw) === fingerprint)
  if (authority === undefined) {
    const seen = connection.chain.map((certificate) => sha256Hex(certificate.raw)).join(", ")
    return yield* impostor(address, `its certificates are ${seen}, and ${from} names ${fingerprint}`, from)
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
