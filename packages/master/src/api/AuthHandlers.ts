import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Effect, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { type SessionError, sessionApiError } from "../auth/SessionErrors.ts"
import { type IssuedTokens, type ReadOnlyToken, Sessions } from "../auth/Sessions.ts"
import { ReadBarrier } from "../command/ReadBarrier.ts"
import { currentPerson } from "./CurrentPerson.ts"
import { clearRefreshCookie, refreshCookie, setRefreshCookie } from "./RefreshCookie.ts"
import { refuse } from "./Refusal.ts"
import { answerHeaders } from "./ResponseHeaders.ts"
import { remoteAddress } from "./Submission.ts"

const callerAddress = Effect.map(remoteAddress, (address) => address ?? "unknown")

const userAgent = Effect.map(HttpServerRequest.HttpServerRequest, ({ headers }) => headers["user-agent"])

const tokenPair = ({ accessToken, expiresInSeconds, refreshToken }: IssuedTokens, inCookie: boolean) => ({
  data: {
    token_type: "Bearer" as const,
    access_token: Redacted.value(accessToken),
    expires_in: expiresInSeconds,
    refresh_token: inCookie ? null : Redacted.value(refreshToken),
    read_only: false
  }
})

const answerTokens = Effect.fnUntraced(function* (issued: IssuedTokens, inCookie: boolean) {
  if (inCookie) yield* setRefreshCookie(issued.refreshToken)
  return tokenPair(issued, inCookie)
})

const noToken = refuse(
  "UNAUTHENTICATED",
  "send refresh_token, or the cookie that the login set; log in when there is none"
)

const readOnlyToken = ({ accessToken, expiresInSeconds }: ReadOnlyToken) => ({
  data: {
    token_type: "Bearer" as const,
    access_token: Redacted.value(accessToken),
    expires_in: expiresInSeconds,
    refresh_token: null,
    read_only: true
  }
})

/** Tokens are for one client: nothing between it and the master may keep them (RFC 6749, 5.1). */
const neverStored = answerHeaders({ "cache-control": "no-store" })

const refused = Effect.fnUntraced(function* (error: SessionError) {
  if (error._tag === "LoginThrottled") yield* answerHeaders({ "retry-after": String(error.retryAfterSeconds) })
  return yield* Effect.fail(sessionApiError(error))
})

export const layerAuth = HttpApiBuilder.group(
  NxMeshApi,
  "auth",
  Effect.fnUntraced(function* (handlers) {
    const sessions = yield* Sessions
    const { linearizable } = yield* ReadBarrier
    const hasQuorum = linearizable.pipe(
      Effect.as(true),
      Effect.catch((error) => Effect.as(Effect.logWarning("a login cannot be recorded", error), false))
    )
    return handlers.handleAll({
      login: Effect.fn("auth.login")(function* ({ payload }) {
        const { refresh_cookie = false, ...who } = payload
        const attempt = { ...who, remoteAddress: yield* callerAddress, userAgent: yield* userAgent }
        yield* neverStored
        if (yield* hasQuorum) {
          return yield* answerTokens(yield* Effect.catch(sessions.login(attempt), refused), refresh_cookie)
        }
        return readOnlyToken(yield* Effect.catch(sessions.loginToRead(attempt), refused))
      }),
      refresh: Effect.fn("auth.refresh")(function* ({ payload }) {
        yield* neverStored
        const inCookie = payload.refresh_token === undefined
        const token = payload.refresh_token ?? (yield* refreshCookie)
        if (token === undefined) return yield* Effect.fail(noToken)
        const issued = sessions.refresh(token, yield* callerAddress)
        return yield* answerTokens(yield* Effect.catch(issued, refused), inCookie)
      }),
      logout: Effect.fn("auth.logout")(function* () {
        const { session_id, user_id } = yield* currentPerson
        const logout = { userId: user_id, sessionId: session_id, remoteAddress: yield* callerAddress }
        yield* clearRefreshCookie
        yield* Effect.catch(sessions.logout(logout), refused)
      })
    })
  })
)
