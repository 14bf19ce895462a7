/** Which master the certificate of a connection belongs to. Whether that one is a member is another question. */
import type { TLSSocket } from "node:tls"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { peerRefused, type PeerRefused } from "@nxmesh/protocol/peer/PeerRefused"
import { Effect } from "effect"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"
import { judgeCertificate } from "../joining/MemberCertificate.ts"

interface Known {
  readonly id: MasterId
  readonly validToMillis: number
}

export const makeCertificateHolder = Effect.gen(function* () {
  const identity = yield* NodeIdentity
  /** A signature is checked once for a connection, its time with every request. */
  const known = new WeakMap<TLSSocket, Known>()
  return Effect.fnUntraced(function* (
    socket: TLSSocket | undefined,
    nowMillis: number
  ): Effect.fn.Return<MasterId, PeerRefused> {
    const before = socket === undefined ? undefined : known.get(socket)
    if (before !== undefined && nowMillis < before.validToMillis) return before.id
    const certificate = socket?.getPeerX509Certificate()
    if (socket === undefined || certificate === undefined) {
      return yield* peerRefused("no_certificate", "only masters are served here, and they show their certificate")
    }
    const { authorityPem } = yield* identity.current
    const judgement = judgeCertificate(certificate, authorityPem, "client", nowMillis)
    if (judgement._tag === "Fault") return yield* peerRefused(judgement.fault, judgement.detail)
    known.set(socket, judgement)
    return judgement.id
  })
})
