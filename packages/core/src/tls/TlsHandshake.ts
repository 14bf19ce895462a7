/** A TLS 1.3 connection as an effect: up to the end of the handshake, and not a byte further. */
import { connect as netConnect, isIP } from "node:net"
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls"
import { Data, Duration, Effect } from "effect"
import type { Address } from "../settings/SettingValues.ts"

/** The connection was not made, or the other side is not trusted. */
export class HandshakeFailed extends Data.TaggedError("HandshakeFailed")<{
  /** Of Node or OpenSSL, as in `ECONNREFUSED` or `CERT_HAS_EXPIRED`; null: it did not end within the time for it. */
  readonly code: string | null
  /** Half a sentence. */
  readonly message: string
}> {}

/** What the caller decides: whom to trust, and what to show. */
export type HandshakeOptions = Pick<
  ConnectionOptions,
  "ca" | "cert" | "checkServerIdentity" | "key" | "rejectUnauthorized" | "session"
> & { readonly timeout: Duration.Input }

/** The socket belongs to the caller, who closes it. Interrupted, it closes at every stage. */
export const tlsHandshake = (
  address: Address,
  { timeout, ...options }: HandshakeOptions
): Effect.Effect<TLSSocket, HandshakeFailed> =>
  Effect.callback<TLSSocket, HandshakeFailed>((resume) => {
    // Connected first and given to TLS after, so that an interruption closes it at every stage.
    const plain = netConnect(address)
    const socket = connect({
      ...options,
      socket: plain,
      host: address.host,
      minVersion: "TLSv1.3",
      ...(isIP(address.host) === 0 ? { servername: address.host } : {})
    })
    const close = () => {
      socket.destroy()
      plain.destroy()
    }
    const onError = (cause: NodeJS.ErrnoException) => {
      close()
      resume(Effect.fail(new HandshakeFailed({ code: cause.code ?? "", message: cause.message })))
    }
    plain.once("error", onError)
    socket.once("error", onError)
    socket.once("secureConnect", () => {
      plain.off("error", onError)
      socket.off("error", onError)
      // What happens to it later, its user hears as a close.
      plain.on("error", () => undefined)
      socket.on("error", () => undefined)
      plain.setNoDelay(true)
      resume(Effect.succeed(socket))
    })
    return Effect.sync(close)
  }).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(new HandshakeFailed({ code: null, message: "it did not answer in time" }))
    })
  )
