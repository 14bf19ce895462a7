/** The TLS connection on which a request of another master came. */
import type { IncomingMessage } from "node:http"
import { TLSSocket } from "node:tls"
import type { HttpServerRequest } from "effect/http"

/** `undefined` for a request that came some other way, which no server of this master allows. */
export const socketOf = (request: HttpServerRequest.HttpServerRequest): TLSSocket | undefined => {
  const { socket } = request.source as Partial<IncomingMessage>
  return socket instanceof TLSSocket ? socket : undefined
}

export const addressOf = (socket: TLSSocket | undefined): string => socket?.remoteAddress ?? ""
