/**
 * The refresh token of a console in a browser: a cookie that scripts cannot read (RFC 6265bis), so that a script that gets
 * into the page cannot take the session away with it. It goes only to the endpoints below `/api/v1/auth`, and only in requests
 * of the console's own pages: SameSite=Strict keeps other sites out, and `isOwnPage` other origins of the same site, which
 * SameSite lets in. All that the cookie can do is refresh: the answer, which no other origin can read, holds the access
 * token that every other endpoint demands in a header, so no request forged elsewhere changes anything.
 */
import { Duration, Effect, Redacted } from "effect"
import { HttpEffect, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { clientAddressBehind } from "./ClientAddress.ts"

const name = "nxmesh_refresh"
const path = "/api/v1/auth"

interface Arrival {
  /** Whether the socket itself speaks TLS. */
  readonly encrypted: boolean
  /** The address on the other end of the socket. */
  readonly peer: string | undefined
  /** `X-Forwarded-Proto`. */
  readonly forwardedProto: string | undefined
}

/** Pure: whether the browser sees https: by this socket, or by the word of a proxy that is trusted. */
export const arrivedByHttps = (
  { encrypted, forwardedProto, peer }: Arrival,
  isProxy: (address: string) => boolean
): boolean => encrypted || (peer !== undefined && isProxy(peer) && /^\s*https\s*(,|$)/i.test(forwardedProto ?? ""))

/** A peer is believed about others just when it is a proxy. */
const somebody = "192.0.2.1"

interface Socket {
  readonly encrypted?: boolean
  readonly remoteAddress?: string
}

const socketOf = ({ source }: HttpServerRequest.HttpServerRequest): Socket =>
  "socket" in source && typeof source.socket === "object" && source.socket !== null ? source.socket : {}

/** A cookie marked Secure is kept by a browser only over https, so that over plain loopback it may not be. */
const isSecure = Effect.gen(function* () {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { encrypted = false, remoteAddress } = socketOf(request)
  const clientOf = clientAddressBehind((yield* Settings).trustedProxies)
  const arrival = { encrypted, peer: remoteAddress, forwardedProto: request.headers["x-forwarded-proto"] }
  return arrivedByHttps(arrival, (address) => clientOf(address, somebody) === somebody)
})

const attributes = Effect.map(isSecure, (secure) => ({ path, httpOnly: true, secure, sameSite: "strict" as const }))

export const setRefreshCookie = Effect.fnUntraced(function* (token: Redacted.Redacted<string>) {
  const options = { ...(yield* attributes), maxAge: Limits.auth.refreshLifetime }
  yield* HttpEffect.appendPreResponseHandler((_request, response) =>
    Effect.orDie(HttpServerResponse.setCookie(response, name, Redacted.value(token), options))
  )
})

export const clearRefreshCookie = Effect.gen(function* () {
  const options = { ...(yield* attributes), maxAge: Duration.zero }
  yield* HttpEffect.appendPreResponseHandler((_request, response) =>
    Effect.orDie(HttpServerResponse.setCookie(response, name, "", options))
  )
})

/** Whether the request comes from a page of this very origin, or from no page (Fetch Metadata, W3C). Programs send no such header. */
const isOwnPage = (fetchSite: string | undefined): boolean => fetchSite === undefined || fetchSite === "same-origin"

/** The token that the browser sent; `undefined`: none, or another origin's page had it sent. */
export const refreshCookie = Effect.map(HttpServerRequest.HttpServerRequest, ({ cookies, headers }) => {
  const text = cookies[name]
  return text === undefined || text === "" || !isOwnPage(headers["sec-fetch-site"]) ? undefined : Redacted.make(text)
})
