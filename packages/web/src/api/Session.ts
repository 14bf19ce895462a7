/**
 * Who is signed in. The access token is kept in memory alone; what renews it is a cookie that scripts cannot read, so that
 * text which got into a page by mistake finds nothing worth stealing.
 */
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { TokenPair } from "@nxmesh/protocol/api/AuthApi"
import { Authentication } from "@nxmesh/protocol/api/Authentication"
import { Forbidden, Unauthenticated } from "@nxmesh/protocol/Errors"
import { Clock, Effect, Layer, Redacted, Semaphore } from "effect"
import { FetchHttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware } from "effect/http-api"
import { Atom } from "effect/reactivity"
import { registry } from "../atoms/Registry.ts"

export type Session =
  /** Whether the cookie still opens a session is being asked. */
  | { readonly _tag: "Unknown" }
  | { readonly _tag: "SignedOut" }
  | {
      readonly _tag: "SignedIn"
      readonly accessToken: string
      readonly endsAtMillis: number
      readonly readOnly: boolean
    }
  /** It ended while somebody worked: they sign in again over the page, and nothing typed is lost. */
  | { readonly _tag: "Expired" }

export const sessionAtom = Atom.keepAlive(Atom.make<Session>({ _tag: "Unknown" }))

/** A token is renewed when it has so little left. */
const renewBeforeMillis = 30_000

const layerPublic = Layer.merge(
  FetchHttpClient.layer,
  HttpApiMiddleware.layerClient(Authentication, ({ next, request }) => next(request))
)
const publicClient = HttpApiClient.make(NxMeshApi).pipe(Effect.provide(layerPublic))

/** Whether the cookie is worth asking for: scripts cannot see it. */
const hintKey = "nxmesh.signed-in"

const nobody = Effect.sync(() => {
  registry.set(sessionAtom, { _tag: "SignedOut" })
  return null
})

const signedIn = Effect.fnUntraced(function* (tokens: TokenPair) {
  const nowMillis = yield* Clock.currentTimeMillis
  localStorage.setItem(hintKey, "yes")
  registry.set(sessionAtom, {
    _tag: "SignedIn",
    accessToken: tokens.access_token,
    endsAtMillis: nowMillis + tokens.expires_in * 1_000,
    readOnly: tokens.read_only
  })
  return tokens.access_token
})

export const signIn = Effect.fnUntraced(function* (email: string, password: string) {
  const client = yield* publicClient
  const { data } = yield* client.auth.login({
    payload: { email, password: Redacted.make(password), refresh_cookie: true }
  })
  return yield* signedIn(data)
})

const isRefusal = (error: unknown): boolean => error instanceof Unauthenticated || error instanceof Forbidden

const oneAtATime = Semaphore.makeUnsafe(1)

const ended = Effect.sync(() => {
  registry.update(sessionAtom, (session): Session =>
    session._tag === "SignedIn" || session._tag === "Expired" ? { _tag: "Expired" } : { _tag: "SignedOut" }
  )
  return null
})

/** The next access token, by the cookie; `null` when the session has ended. A master that cannot be reached ends nothing. */
const renewed = (old: string | null) =>
  oneAtATime.withPermit(
    Effect.gen(function* () {
      const session = registry.get(sessionAtom)
      // Another request renewed it while this one waited.
      if (session._tag === "SignedIn" && session.accessToken !== old) return session.accessToken
      const client = yield* publicClient
      return yield* client.auth.refresh({ payload: {} }).pipe(
        Effect.flatMap(({ data }) => signedIn(data)),
        Effect.catchIf(isRefusal, () => ended)
      )
    })
  )

/** The token to send now; `null` when nobody is signed in. */
export const currentToken = Effect.gen(function* () {
  const session = registry.get(sessionAtom)
  if (session._tag !== "SignedIn") return null
  const nowMillis = yield* Clock.currentTimeMillis
  if (session.readOnly || session.endsAtMillis - nowMillis > renewBeforeMillis) return session.accessToken
  return yield* Effect.orElseSucceed(renewed(session.accessToken), () => session.accessToken)
})

/** After a 401: a token that is not the one that was refused, or `null`. */
export const anotherToken = (refused: string | null) => Effect.orElseSucceed(renewed(refused), () => null)

/** At the start of the page: goes on with the session of the cookie, when there is one. */
export const resume = Effect.suspend(() =>
  localStorage.getItem(hintKey) === null ? nobody : Effect.catch(renewed(null), () => nobody)
)

export const signOut = Effect.gen(function* () {
  const token = yield* currentToken
  localStorage.removeItem(hintKey)
  yield* nobody
  if (token === null) return
  const withToken = Layer.merge(
    FetchHttpClient.layer,
    HttpApiMiddleware.layerClient(Authentication, ({ next, request }) =>
      next(HttpClientRequest.bearerToken(request, token))
    )
  )
  const client = yield* HttpApiClient.make(NxMeshApi).pipe(Effect.provide(withToken))
  yield* Effect.ignore(client.auth.logout())
})
