/**
 * The transport under the RPC server. A request is verified here, on the characters that came over the wire, before
 * anything decodes it; RPC headers never reach a handler (those of a client would override those of the upgrade).
 */
import type { AgentRequest } from "@nxmesh/protocol/link/SignedCall"
import { LinkRefused, refused } from "@nxmesh/protocol/link/LinkRefused"
import { Clock, Context, Deferred, Effect, Exit, Layer, Option, Queue, Schema } from "effect"
import { RpcServer } from "effect/rpc"
import { Socket } from "effect/socket"
import { Limits } from "../Limits.ts"
import type { AgentDirectory } from "./AgentDirectory.ts"
import { BundleTexts } from "./BundleTexts.ts"
import { verifyRequest } from "./CallVerification.ts"
import { codecFor, frameText } from "./DirectiveCodec.ts"
import { readBody, readFrame } from "./FrameText.ts"
import { closeCodes, type LinkConnection, LinkConnections } from "./LinkConnection.ts"
import { LinkMetrics } from "./LinkMetrics.ts"

type FromClient = Parameters<Parameters<RpcServer.Protocol["Service"]["run"]>[0]>[1]
type FromServer = Parameters<RpcServer.Protocol["Service"]["send"]>[1]

const encodeRefusal = Schema.encodeSync(Schema.toCodecJson(Schema.Exit(Schema.Never, LinkRefused, Schema.Defect())))

/** Logs and counts a refusal; the reason is a label, the sentence goes to the log. */
export const recordRefusal = Effect.fnUntraced(function* (
  refusal: LinkRefused,
  where: { readonly remoteAddress: string; readonly agentId?: string | null; readonly procedure?: string },
  /** By the time: whether there is room in the log for a line about somebody who has shown nothing of themselves. */
  isLogged: (nowMillis: number) => boolean = () => true
) {
  const metrics = yield* LinkMetrics
  yield* metrics.refused(refusal.reason)
  if (!isLogged(Number(yield* Clock.monotonicTimeNanos) / 1e6)) return
  yield* Effect.logWarning("agent link refused").pipe(
    Effect.annotateLogs({
      reason: refusal.reason,
      detail: refusal.detail,
      remote_address: where.remoteAddress,
      ...(where.procedure === undefined ? {} : { procedure: where.procedure }),
      ...(where.agentId ? { agent_id: where.agentId } : {})
    })
  )
})

export class LinkProtocol extends Context.Service<
  LinkProtocol,
  {
    readonly protocol: RpcServer.Protocol["Service"]
    /** Serves one connection until it ends. */
    readonly accept: (
      connection: LinkConnection,
      socket: Socket.Socket
    ) => Effect.Effect<void, never, AgentDirectory | LinkMetrics>
  }
>()("@nxmesh/master/link/LinkProtocol") {
  static readonly layer = Layer.effect(
    LinkProtocol,
    Effect.gen(function* () {
      const connections = yield* LinkConnections
      const disconnects = yield* Queue.bounded<number>(Limits.link.disconnectsQueueMax)
      const writers = new Map<number, (message: FromServer) => Effect.Effect<void>>()
      let deliver: (clientId: number, message: FromClient) => Effect.Effect<void> = () => Effect.void

      const send = (clientId: number, message: FromServer) => writers.get(clientId)?.(message) ?? Effect.void

      const protocol = yield* RpcServer.Protocol.make((write) => {
        deliver = write
        return Effect.succeed({
          disconnects,
          send,
          end: () => Effect.void,
          clientIds: Effect.sync(() => new Set(writers.keys())),
          initialMessage: Effect.succeed(Option.none()),
          supportsAck: true,
          supportsTransferables: false,
          supportsSpanPropagation: true,
          supportsNotifications: false,
          codecFor: codecFor(new BundleTexts(Limits.link.bundleTextCharactersMax))
        })
      })

      /** Answers the call with the refusal, and ends the connection: whoever sends such calls gets no second one. */
      const refuse = Effect.fnUntraced(function* (
        connection: LinkConnection,
        request: AgentRequest,
        refusal: LinkRefused
      ) {
        yield* recordRefusal(refusal, {
          remoteAddress: connection.remoteAddress,
          agentId: connection.agentId,
          procedure: request.tag
        })
        const exit = encodeRefusal(Exit.fail(refusal)) as Extract<FromServer, { _tag: "Exit" }>["exit"]
        yield* send(connection.id, { _tag: "Exit", requestId: request.id, exit })
        if (refusal.reason !== "unavailable") connection.close(closeCodes.refused, refusal.reason)
      })

      const receiveRequest = Effect.fnUntraced(
        function* (connection: LinkConnection, request: AgentRequest) {
          const agentId = yield* verifyRequest(connection, request)
          const read = readBody(request.payload)
          if (read === undefined)
            return yield* refused("malformed", "the payload of a call is the JSON text of its body")
          if (agentId !== null && connection.agentId === null) {
            connections.bind(connection, agentId)
            yield* Deferred.succeed(connection.authenticated, undefined)
          }
          yield* deliver(connection.id, { ...request, payload: read.body, headers: [] })
        },
        (effect, connection, request) =>
          Effect.catchTag(effect, "LinkRefused", (refusal) => refuse(connection, request, refusal))
      )

      const receive = Effect.fnUntraced(function* (connection: LinkConnection, text: string | Uint8Array) {
        const message = typeof text === "string" ? readFrame(text) : undefined
        if (message === undefined) {
          const refusal = refused("malformed", "a frame is the JSON text of an RPC message")
          yield* recordRefusal(refusal, { remoteAddress: connection.remoteAddress, agentId: connection.agentId })
          return connection.close(closeCodes.refused, refusal.reason)
        }
        yield* message._tag === "Request" ? receiveRequest(connection, message) : deliver(connection.id, message)
      })

      const accept = Effect.fnUntraced(
        function* (connection: LinkConnection, socket: Socket.Socket) {
          writers.set(connection.id, (message) =>
            Effect.sync(() => {
              connection.send(frameText(message))
              const { ending } = connection
              if (message._tag === "Exit" && ending !== null) connection.close(closeCodes.refused, ending)
            })
          )
          const { pull } = yield* socket.reader
          while (true) {
            for (const frame of yield* pull) yield* receive(connection, frame)
          }
        },
        (effect, connection) =>
          effect.pipe(
            Effect.catchTag("SocketError", (error) =>
              Effect.logDebug("agent connection ended").pipe(
                Effect.annotateLogs({ remote_address: connection.remoteAddress, reason: error.message })
              )
            ),
            Effect.ensuring(
              Effect.suspend(() => {
                writers.delete(connection.id)
                return Queue.offer(disconnects, connection.id)
              })
            ),
            Effect.scoped
          )
      )

      return LinkProtocol.of({ protocol, accept })
    })
  )
}
