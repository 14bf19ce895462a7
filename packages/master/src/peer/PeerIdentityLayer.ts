/**
 * Who asks: the master that the certificate of the connection names, issued by this cluster's authority, in its time, and
 * a member as the state knows it now. Removing a member therefore acts on its open connections too.
 */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { CallingMaster, PeerIdentity } from "@nxmesh/protocol/peer/PeerApi"
import { peerRefused } from "@nxmesh/protocol/peer/PeerRefused"
import { Clock, Effect, Layer } from "effect"
import { HttpServerRequest } from "effect/http"
import { addressOf, socketOf } from "../joining/PeerSocket.ts"
import { Reads } from "../state/Reads.ts"
import { makeCertificateHolder } from "./CertificateHolder.ts"
import { makeRecordRefusal } from "./PeerRefusals.ts"

export const PeerIdentityLayer = Layer.effect(
  PeerIdentity,
  Effect.gen(function* () {
    const reads = yield* Reads
    const record = yield* makeRecordRefusal
    const holder = yield* makeCertificateHolder

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
