/**
 * Who asks: the master that the certificate of the connection names, issued by this cluster's authority, in its time, and
 * a member as the state knows it now. Removing a member therefore acts on its open connections too.
 */
import type { TLSSocket } from "node:tls"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { CallingMaster, PeerIdentity } from "@nxmesh/protocol/peer/PeerApi"
import { peerRefused, type PeerRefused } from "@nxmesh/protocol/peer/PeerRefused"
import { Clock, Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"
import { judgeCertificate } from "../joining/MemberCertificate.ts"
import { Reads } from "../state/Reads.ts"
import { makeRecordRefusal } from "./PeerRefusals.ts"
import { addressOf, socketOf } from "../joining/PeerSocket.ts"

interface Known {
  readonly id: MasterId
  readonly validToMillis: number
}

export const PeerIdentityLayer = Layer.effect(
  PeerIdentity,
  Effect.gen(function* () {
    const identity = yield* NodeIdentity
    const reads = yield* Reads
    const record = yield* makeRecordRefusal
    /** A signature is checked once for a connection, its time and the membership with every request. */
    const known = new WeakMap<TLSSocket, Known>()

    const holder = Effect.fnUntraced(function* (
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

    const member = Effect.fnUntraced(function* (id: MasterId) {
      if ((yield* reads.get("master", id)) !== undefined) return
      if (yield* reads.isRemovedMaster(id)) {
        return yield* peerRefused("removed", `master ${id} was removed from this cluster`)
      }
      return yield* peerRefused(
        "not_a_member",
        `master ${id} is not a member of this cluster, as far as this one knows`
      )
    })

    return PeerIdentity.of((httpEffect) =>
      Effect.gen(function* () {
        const socket = socketOf(yield* HttpServerRequest.HttpServerRequest)
        const remoteAddress = addressOf(socket)
        const id = yield* holder(socket, yield* Clock.currentTimeMillis).pipe(
          Effect.tapError((refusal) => record(refusal, { remoteAddress }))
        )
        yield* member(id).pipe(Effect.tapError((refusal) => record(refusal, { remoteAddress, masterId: id })))
        return yield* Effect.provideService(httpEffect, CallingMaster, { id })
      })
    )
  })
)
