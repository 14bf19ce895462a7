/** Calls of one master's API, derived from its contract, as the person who logged in there. */
import { Authentication } from "@nxmesh/protocol/api/Authentication"
import type { TokenPair } from "@nxmesh/protocol/api/AuthApi"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Clock, Config, type Duration, Effect, Option, Redacted, Result } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient, HttpApiMiddleware } from "effect/http-api"
import { CliLimits } from "./CliLimits.ts"
import { callFailure, CliFailure, refusalCode, refused, usage } from "./CliFailure.ts"
import { findSession, keepSession, sessionFile, type StoredSession } from "./SessionFile.ts"

/** The master's origin, as in `http://127.0.0.1:8080`; what is wrong with it as the failure. */
export const readOrigin = (text: string): Result.Result<string, CliFailure> => {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.host !== ""
    ? Result.succeed(url.origin)
    : Result.fail(usage(`--url must be the http or https address of a master's API, and not ${text}`))
}

const bearer = (token: Redacted.Redacted<string> | null) =>
  HttpApiMiddleware.layerClient(Authentication, ({ next, request }) =>
    next(token === null ? request : HttpClientRequest.bearerToken(request, token))
  )

/** With `stale`, a master answers from what it has, also when it cannot ask the others. */
const client = (origin: string, token: Redacted.Redacted<string> | null, stale = false) =>
  HttpApiClient.make(NxMeshApi, {
    baseUrl: origin,
    transformClient: HttpClient.mapRequest((request) =>
      stale ? HttpClientRequest.setUrlParam(request, "consistency", "stale") : request
    )
  }).pipe(Effect.provide(bearer(token)))

export type MasterClient = Effect.Success<ReturnType<typeof client>>

/** The call's success, or its failure in words. A master that takes too long counts as one that does not answer. */
const called = <A, E, R>(
  origin: string,
  call: Effect.Effect<A, E, R>,
  within: Duration.Duration = CliLimits.answer
): Effect.Effect<A, CliFailure, R> =>
  call.pipe(
    Effect.mapError((error) => callFailure(origin, error)),
    Effect.timeoutOrElse({
      duration: within,
      orElse: () =>
        Effect.fail(
          new CliFailure({
            kind: "Unreachable",
            message: `the master at ${origin} does not answer in time: name another one with --url`
          })
        )
    })
  )

const sessionOf = Effect.fnUntraced(function* (email: string, pair: TokenPair) {
  const now = yield* Clock.currentTimeMillis
  const session: StoredSession = {
    email,
    access_token: Redacted.make(pair.access_token),
    access_ends_at_millis: now + pair.expires_in * 1_000,
    refresh_token: pair.refresh_token === null ? null : Redacted.make(pair.refresh_token)
  }
  return session
})

/** Logs in, and keeps the session. */
export const logIn = Effect.fnUntraced(function* (origin: string, email: string, password: Redacted.Redacted<string>) {
  const file = yield* sessionFile
  const { auth } = yield* client(origin, null)
  const { data } = yield* called(origin, auth.login({ payload: { email, password } }))
  yield* keepSession(file, origin, yield* sessionOf(email, data))
  return file
})

const loginHint = (origin: string) => `log in: nxmesh login --url ${origin}`

/** The session, with an access token that still serves for a while. */
const freshSession = Effect.fnUntraced(function* (origin: string, file: string) {
  const found = yield* findSession(file, origin)
  if (found === undefined) return yield* refused(`you are not logged in at ${origin}: ${loginHint(origin)}`)
  const now = yield* Clock.currentTimeMillis
  if (found.access_ends_at_millis - now > CliLimits.accessTokenLeftMillis) return found
  if (found.refresh_token === null) return yield* refused(`your session was for reading alone: ${loginHint(origin)}`)
  const ended = refused(`your session has ended: ${loginHint(origin)}`)
  const { refresh_token } = found
  if (refresh_token === null) return yield* ended
  const { auth } = yield* client(origin, null)
  const { data } = yield* called(
    origin,
    auth
      .refresh({ payload: { refresh_token } })
      .pipe(Effect.mapError((error) => (refusalCode(error) === "UNAUTHENTICATED" ? ended : error)))
  )
  const session = yield* sessionOf(found.email, data)
  yield* keepSession(file, origin, session)
  return session
})

/** `NXMESH_API_KEY`, for programs that have no one to log in; else the session of whoever logged in there. */
const credentialAt = Effect.fnUntraced(function* (origin: string) {
  const key = yield* Config.option(Config.Redacted("NXMESH_API_KEY")).pipe(
    Effect.mapError((error) => usage(`NXMESH_API_KEY cannot be read: ${error.message}`))
  )
  if (Option.isSome(key)) return key.value
  return (yield* freshSession(origin, yield* sessionFile)).access_token
})

/** Calls the master by an API key, or as the person who logged in there. */
export const asOperator = Effect.fnUntraced(function* <A, E, R>(
  origin: string,
  call: (master: MasterClient) => Effect.Effect<A, E, R>,
  within?: Duration.Duration
) {
  return yield* called(origin, Effect.flatMap(client(origin, yield* credentialAt(origin)), call), within)
})

/**
 * The same for reading how the cluster stands, which has to work when nothing else does: a master that cannot ask the
 * others answers from what it has. `alone` says that it did.
 */
export const readAsOperator = Effect.fnUntraced(function* <A, E, R>(
  origin: string,
  call: (master: MasterClient) => Effect.Effect<A, E, R>
) {
  const credential = yield* credentialAt(origin)
  const answer = (stale: boolean) => Effect.flatMap(client(origin, credential, stale), call)
  const result = yield* called(origin, Effect.result(answer(false)))
  if (Result.isSuccess(result)) return { value: result.success, alone: false }
  if (refusalCode(result.failure) !== "UNAVAILABLE") return yield* callFailure(origin, result.failure)
  return { value: yield* called(origin, answer(true)), alone: true }
})

/** Ends the session there, and forgets it here whether or not that succeeds. */
export const logOut = Effect.fnUntraced(function* (origin: string) {
  const file = yield* sessionFile
  const found = yield* findSession(file, origin)
  if (found === undefined) return false
  yield* keepSession(file, origin, null)
  const { auth } = yield* client(origin, found.access_token)
  yield* called(origin, auth.logout()).pipe(
    Effect.catchIf(
      ({ kind }) => kind === "Refused",
      () => Effect.void
    )
  )
  return true
})
