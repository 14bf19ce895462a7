/** One WebSocket to one master, and the RPC protocol over it. It never reconnects: that is the machine's decision. */
import type { TLSSocket } from "node:tls"
import { channelBinding } from "@nxmesh/core/crypto/ChannelBinding"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import { Clock, Deferred, Duration, Effect, Option, Schema } from "effect"
import { RpcClient, RpcClientError, RpcSerialization } from "effect/rpc"
import { Socket } from "effect/socket"
import { WebSocket } from "ws"
import { Limits } from "../Limits.ts"
import { type CallSigner, makeCallSigner } from "./CallSigner.ts"
import { LinkLost, lostBySocket } from "./LinkLost.ts"

type FromServer = Parameters<Parameters<RpcClient.Protocol["Service"]["run"]>[1]>[0]
type FromClient = Parameters<RpcClient.Protocol["Service"]["send"]>[1]

const isMessage = (frame: unknown): frame is FromServer =>
  typeof frame === "object" && frame !== null && "_tag" in frame
const decodeJson = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.Unknown))

export interface Transport {
  readonly protocol: RpcClient.Protocol["Service"]
  /** RFC 9266 value of the connection. */
  readonly binding: Uint8Array
  /** Fails when the connection ends. */
  readonly ended: Effect.Effect<never, LinkLost>
}

/** Upgrades an established TLS connection. It is closed with the scope. */
const openWebSocket = (url: string, socket: TLSSocket) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const webSocket = new WebSocket(url, {
        createConnection: () => socket,
        perMessageDeflate: false,
        maxPayload: WireLimits.linkFrameBytesMax,
        handshakeTimeout: Duration.toMillis(Limits.connectTimeout)
      })
      webSocket.on("error", () => webSocket.terminate())
      return webSocket
    }),
    (webSocket) =>
      Effect.sync(() => {
        webSocket.close(1_000)
        // A master that does not answer the closing handshake must not hold the socket.
        socket.end(() => socket.destroy())
      })
  )

/** Pings every 10 s, and fails when no answer came for 20 s: the peer, or the way to it, is gone. */
const keepAlive = (webSocket: WebSocket): Effect.Effect<never, LinkLost> =>
  Effect.gen(function* () {
    let answered = true
    let silentSince = yield* Clock.currentTimeMillis
    webSocket.on("pong", () => {
      answered = true
    })
    while (true) {
      const nowMillis = yield* Clock.currentTimeMillis
      if (answered) silentSince = nowMillis
      if (nowMillis - silentSince >= Duration.toMillis(Limits.pingTimeout)) {
        return yield* new LinkLost({ permanent: false, detail: "the master did not answer pings for 20 s" })
      }
      answered = false
      if (webSocket.readyState === WebSocket.OPEN) webSocket.ping()
      yield* Effect.sleep(Limits.pingInterval)
    }
  })

/** The frame of a message: requests carry their body as the text that is signed. */
const frameOf = Effect.fnUntraced(function* (sign: CallSigner, message: FromClient) {
  if (message._tag !== "Request") return JSON.stringify(message)
  const body = JSON.stringify(message.payload ?? null)
  return JSON.stringify({ ...message, payload: body, headers: yield* sign(message.tag, body) })
})

/** Needs the scope that the connection lasts for. */
export const openTransport = Effect.fn("Transport.open")(function* (url: string, tlsSocket: TLSSocket) {
  const binding = channelBinding(tlsSocket)
  const sign = yield* makeCallSigner(binding)
  const webSocket = yield* openWebSocket(url, tlsSocket)
  const socket = yield* Socket.fromWebSocket(Effect.succeed(webSocket), { openTimeout: Limits.connectTimeout })
  const { pull } = yield* socket.reader.pipe(Effect.mapError(lostBySocket))
  const writer = yield* socket.writer
  const lost = yield* Deferred.make<never, LinkLost>()
  let broken: LinkLost | null = null

  const clientError = (cause: LinkLost) =>
    new RpcClientError.RpcClientError({
      reason: new RpcClientError.RpcClientDefect({ message: cause.detail, cause })
    })
  const protocol = yield* RpcClient.Protocol.make((write, clientIds) =>
    Effect.gen(function* () {
      const toAll = (message: FromServer) =>
        Effect.forEach([...clientIds], (id) => write(id, message), { discard: true })
      const read = Effect.gen(function* () {
        while (true) {
          for (const frame of yield* pull) {
            const message = Option.filter(decodeJson(frame), isMessage)
            if (Option.isSome(message)) yield* toAll(message.value)
          }
        }
      }).pipe(Effect.mapError(lostBySocket))
      yield* Effect.raceFirst(read, keepAlive(webSocket)).pipe(
        Effect.catch((cause: LinkLost) => {
          broken = cause
          return Deferred.fail(lost, cause).pipe(
            Effect.andThen(toAll({ _tag: "ClientProtocolError", error: clientError(cause) }))
          )
        }),
        Effect.forkScoped
      )
      return {
        send: (_clientId: number, message: FromClient) =>
          broken === null
            ? frameOf(sign, message).pipe(
                Effect.flatMap((frame) => writer.write(frame)),
                Effect.mapError((error) => clientError(lostBySocket(error)))
              )
            : Effect.fail(clientError(broken)),
        supportsAck: true,
        supportsTransferables: false,
        codecFor: RpcSerialization.json.codecFor
      }
    })
  )
  const transport: Transport = { protocol, binding, ended: Deferred.await(lost) }
  return transport
})
