/**
 * One question to a server: does it take a connection, or does it answer a request? Each on a connection of its own, within a
 * time limit. An answer from 200 to 399 passes; redirects are not followed, bodies are not read, and a certificate is not
 * verified, as nginx itself does not unless it is told to (`proxy_ssl_verify`).
 */
import { request as httpRequest, type ClientRequest } from "node:http"
import { request as httpsRequest } from "node:https"
import { createConnection } from "node:net"
import { Effect } from "effect"
import { Limits } from "../Limits.ts"
import { agentVersion } from "../Version.ts"

export interface TcpProbe {
  readonly _tag: "Tcp"
  /** A literal address. */
  readonly address: string
  readonly port: number
  readonly timeoutMillis: number
}

export interface HttpProbe {
  readonly _tag: "Http"
  readonly address: string
  readonly port: number
  readonly timeoutMillis: number
  readonly path: string
  /** The Host header. */
  readonly host: string
  /** `null`: plain HTTP. Without a name none is asked for (SNI). */
  readonly tls: { readonly serverName: string | null } | null
}

export type ProbeRequest = TcpProbe | HttpProbe

const words = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "connection reset"],
  ["EHOSTUNREACH", "host unreachable"],
  ["ENETUNREACH", "network unreachable"],
  ["ENOTFOUND", "name not found"]
])

/** An error of a socket in a few words; what the server sent is in none of them. */
const reasonOf = (error: NodeJS.ErrnoException): string =>
  words.get(error.code ?? "") ?? (error.code ?? error.message).slice(0, 100)

const connect = ({ address, port }: TcpProbe): Effect.Effect<string | null> =>
  Effect.callback<string | null>((resume) => {
    const socket = createConnection({ host: address, port })
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(null))
    })
    socket.on("error", (error) => resume(Effect.succeed(reasonOf(error))))
    return Effect.sync(() => socket.destroy())
  })

const begin = ({ address, host, path, port, tls }: HttpProbe): ClientRequest => {
  const options = {
    host: address,
    port,
    path,
    agent: false,
    maxHeaderSize: Limits.probeHeaderBytesMax,
    headers: { host, connection: "close", "user-agent": `nxmesh-agent/${agentVersion} (health check)` }
  }
  if (tls === null) return httpRequest(options)
  return httpsRequest({ ...options, rejectUnauthorized: false, servername: tls.serverName ?? "" })
}

const ask = (probe: HttpProbe): Effect.Effect<string | null> =>
  Effect.callback<string | null>((resume) => {
    const call = begin(probe)
    call.once("response", ({ statusCode = 0 }) => {
      call.destroy()
      resume(Effect.succeed(statusCode >= 200 && statusCode < 400 ? null : `status ${statusCode}`))
    })
    call.on("error", (error) => resume(Effect.succeed(reasonOf(error))))
    call.end()
    return Effect.sync(() => call.destroy())
  })

/** Why it failed, in a few words; `null`: it passed. */
export const probe = (request: ProbeRequest): Effect.Effect<string | null> =>
  (request._tag === "Tcp" ? connect(request) : ask(request)).pipe(
    // Node refuses a path or a header that it cannot send by throwing.
    Effect.catchDefect((defect) => Effect.succeed(`cannot be asked: ${String(defect).slice(0, 100)}`)),
    Effect.timeoutOrElse({
      duration: request.timeoutMillis,
      orElse: () => Effect.succeed(`no answer within ${request.timeoutMillis / 1_000} s`)
    })
  )
