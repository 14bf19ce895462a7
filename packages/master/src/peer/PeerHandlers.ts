/** What this master answers to others: one handler for each call of `PeerApi`. */
import type { TLSSocket } from "node:tls"
import { channelBinding } from "@nxmesh/core/crypto/ChannelBinding"
import { CallingMaster, PeerApi } from "@nxmesh/protocol/peer/PeerApi"
import { peerRefused, type PeerRefused, type PeerUnavailable, peerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { Clock, Duration, Effect, Layer, Schema, Semaphore } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { OwnStatus } from "../cluster/OwnStatus.ts"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"
import { loadClusterSecret } from "../joining/ClusterSecret.ts"
import { answerForming } from "../joining/UnformedServer.ts"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { TelemetryGather } from "../telemetry/TelemetryGather.ts"
import { Admission } from "./Admission.ts"
import { AgentMessages } from "./AgentMessages.ts"
import { makeCertificateHolder } from "./CertificateHolder.ts"
import { JoinRate } from "./JoinRate.ts"
import { makeRecordRefusal, makeRecordRepeatedRefusal } from "./PeerRefusals.ts"
import { addressOf, socketOf } from "../joining/PeerSocket.ts"

const { peer: limits } = Limits

const layerJoin = HttpApiBuilder.group(
  PeerApi,
  "join",
  Effect.fnUntraced(function* (handlers) {
    const { admit, replace } = yield* Admission
    const record = yield* makeRecordRefusal
    const holder = yield* makeCertificateHolder
    const turns = yield* Semaphore.make(limits.joinsConcurrentMax)
    const rate = new JoinRate({
      attemptsMax: limits.joinsPerAddressMax,
      windowMillis: Duration.toMillis(limits.joinWindow),
      addressesMax: limits.joinAddressesMax
    })
    /** Few at a time, few from one address, over TLS. */
    const bounded = <A>(
      admission: (socket: TLSSocket, remoteAddress: string) => Effect.Effect<A, PeerRefused | PeerUnavailable>
    ) =>
      Effect.gen(function* () {
        const socket = socketOf(yield* HttpServerRequest.HttpServerRequest)
        const remoteAddress = addressOf(socket)
        return yield* Effect.gen(function* () {
          if (socket === undefined) return yield* peerRefused("malformed", "masters join over TLS")
          if (!rate.take(remoteAddress, yield* Clock.currentTimeMillis)) {
            const seconds = Duration.toSeconds(limits.joinWindow)
            return yield* peerUnavailable(
              "too_many_attempts",
              `more than ${limits.joinsPerAddressMax} attempts to join from one address in ${seconds} s: wait, and look why they fail`
            )
          }
          return yield* turns.withPermit(admission(socket, remoteAddress))
        }).pipe(Effect.tapError((refusal) => record(refusal, { remoteAddress })))
      })
    return handlers.handleAll({
      join: ({ payload }) =>
        bounded((socket, remoteAddress) => admit({ payload, channelBinding: channelBinding(socket), remoteAddress })),
      replace: ({ payload }) =>
        bounded(
          Effect.fnUntraced(function* (socket, remoteAddress) {
            const replaced = yield* holder(socket, yield* Clock.currentTimeMillis)
            return yield* replace({ payload, channelBinding: channelBinding(socket), remoteAddress }, replaced)
          })
        )
    })
  })
)

/** This master has a cluster: whoever forms one with the same secret joins it. */
const layerForming = HttpApiBuilder.group(
  PeerApi,
  "forming",
  Effect.fnUntraced(function* (handlers) {
    const { clusterSecretFile } = yield* Settings
    const { nodeId } = yield* NodeIdentity
    const secret = clusterSecretFile === null ? null : yield* loadClusterSecret(clusterSecretFile)
    const answer =
      secret === null
        ? () =>
            Effect.fail(
              peerRefused(
                "cluster_secret",
                "this master has a cluster that takes no cluster secret: set NXMESH_CLUSTER_SECRET_FILE on every member"
              )
            )
        : answerForming(secret, () => ({ id: nodeId, formed: true, sees: [] }))
    const record = yield* makeRecordRepeatedRefusal
    return handlers.handleAll({
      ask: ({ payload }) =>
        Effect.gen(function* () {
          const remoteAddress = addressOf(socketOf(yield* HttpServerRequest.HttpServerRequest))
          return yield* Effect.tapError(answer(payload), (refusal) => record(refusal, { remoteAddress }))
        })
    })
  })
)

const layerStatus = HttpApiBuilder.group(
  PeerApi,
  "status",
  Effect.fnUntraced(function* (handlers) {
    const { status } = yield* OwnStatus
    return handlers.handleAll({ status: () => status })
  })
)

const layerAgentMessages = HttpApiBuilder.group(
  PeerApi,
  "agents",
  Effect.fnUntraced(function* (handlers) {
    const { handle, presence } = yield* AgentMessages
    return handlers.handleAll({
      message: ({ params, payload }) => CallingMaster.use(({ id }) => handle(params.id, payload, id)),
      presence: ({ payload }) => CallingMaster.use(({ id }) => presence(payload, id))
    })
  })
)

const layerTelemetry = HttpApiBuilder.group(
  PeerApi,
  "telemetry",
  Effect.fnUntraced(function* (handlers) {
    const { respond } = yield* TelemetryGather
    const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Unknown))
    return handlers.handleAll({
      ask: ({ payload }) =>
        decode(payload.question).pipe(
          Effect.mapError(() => peerRefused("malformed", "the question is no JSON")),
          Effect.flatMap((question) => respond(payload.tag, question)),
          Effect.map((answer) => ({ answer: JSON.stringify(answer) })),
          Effect.catchTag("TelemetryQueryFailed", ({ message }) => Effect.fail(peerUnavailable("not_ready", message)))
        )
    })
  })
)

export const layerPeerHandlers = Layer.mergeAll(
  layerJoin,
  layerForming,
  layerStatus,
  layerAgentMessages,
  layerTelemetry
)
