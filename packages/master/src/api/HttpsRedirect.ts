/** Sends browsers that come by plain HTTP to where the API speaks TLS. It serves nothing else, and sends nobody to another host. */
import { createServer } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { Data, Effect } from "effect"
import type { Address } from "@nxmesh/core/settings/SettingValues"
import type { ListenerLimitsShape } from "./ListenerLimits.ts"
import { securityHeaders } from "./SecurityHeaders.ts"

export class RedirectError extends Data.TaggedError("RedirectError")<{ readonly message: string }> {}

const hostName = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,253})(?::\d{1,5})?$/

/** Pure: where a request belongs; `null` when it does not say by which name it came. */
export const redirectTarget = (host: string | undefined, url: string, httpsPort: number): string | null => {
  const name = hostName.exec(host ?? "")?.[1]
  if (name === undefined || !url.startsWith("/")) return null
  return `https://${name}${httpsPort === 443 ? "" : `:${httpsPort}`}${url}`
}

/** Listens while the scope lasts. */
export const serveRedirect = (
  { host, port }: Address,
  httpsPort: () => number,
  limits: ListenerLimitsShape,
  onConnection: (socket: Socket) => void
) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof createServer>, RedirectError>((resume) => {
      const server = createServer(
        {
          maxHeaderSize: limits.headerBytesMax,
          headersTimeout: limits.headersTimeoutMillis,
          requestTimeout: limits.requestTimeoutMillis,
          connectionsCheckingInterval: limits.slowCheckMillis
        },
        (request, response) => {
          const target = redirectTarget(request.headers.host, request.url ?? "", httpsPort())
          const headers = { ...securityHeaders(false), connection: "close" }
          if (target === null) response.writeHead(400, headers).end()
          else response.writeHead(308, { ...headers, location: target }).end()
        }
      )
      server.maxConnections = limits.connectionsMax
      server.on("connection", onConnection)
      server.once("error", (cause) =>
        resume(
          new RedirectError({
            message: `cannot listen on ${host}:${port} to send browsers to https: ${cause.message}; free the address or change NXMESH_HTTP_REDIRECT_ADDRESS`
          })
        )
      )
      server.listen({ host, port }, () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  ).pipe(Effect.map((server) => server.address() as AddressInfo))
