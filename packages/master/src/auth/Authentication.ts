/**
 * The API's door: the bearer token, then the session and the user as they are now, then what the endpoint demands.
 * Session and user are read at every request, microseconds in the embedded state, so that logout, disabling and a
 * change of role act at once and no cache has to be told.
 */
import { Authentication, CurrentUser, demandOf } from "@nxmesh/protocol/api/Authentication"
import { Forbidden, Unauthenticated } from "@nxmesh/protocol/Errors"
import { Clock, Data, Effect, Layer, Redacted } from "effect"
import { Reads } from "../state/Reads.ts"
import { authMetrics } from "./AuthMetrics.ts"
import { accessOfRole, authorize } from "./Authorize.ts"
import { type AccessClaims, Tokens } from "./Tokens.ts"

class Refused extends Data.TaggedError("Refused")<{
  readonly reason: "missing" | "expired" | "invalid" | "session_ended" | "no_account"
  readonly message: string
}> {}

const howToLogIn =
  "send the access token of POST /api/v1/auth/login in the header Authorization, as in Bearer <access_token>"

const readOnlyMessage =
  "this token is for reading alone: it was given while the cluster had no quorum. Log in again when it has one"

const unauthenticated = (message: string) =>
  new Unauthenticated({ error: { code: "UNAUTHENTICATED", message, details: [] } })

const forbidden = (message: string) => new Forbidden({ error: { code: "FORBIDDEN", message, details: [] } })

export const AuthenticationLayer = Layer.effect(
  Authentication,
  Effect.gen(function* () {
    const { refusedTokens } = yield* authMetrics
    const reads = yield* Reads
    const tokens = yield* Tokens

    /** The session is recorded, of this user, and has not ended. */
    const standing = Effect.fnUntraced(function* ({ sessionId, userId }: AccessClaims) {
      const session = yield* reads.session(sessionId)
      const nowMillis = yield* Clock.currentTimeMillis
      const isOver = session === undefined || session.ended_at !== null || Date.parse(session.expires_at) <= nowMillis
      if (isOver || session.user_id !== userId) {
        return yield* new Refused({ reason: "session_ended", message: "the session has ended; log in" })
      }
    })

    const identify = Effect.fn("Authentication.identify")(function* (token: Redacted.Redacted<string>) {
      if (Redacted.value(token) === "") return yield* new Refused({ reason: "missing", message: howToLogIn })
      const claims = yield* tokens
        .verify(token)
        .pipe(
          Effect.mapError(
            ({ message, reason }) => new Refused({ reason: reason === "Expired" ? "expired" : "invalid", message })
          )
        )
      if (claims.readOnly !== true) yield* standing(claims)
      const user = yield* reads.get("user", claims.userId)
      if (user === undefined || user.disabled) {
        return yield* new Refused({ reason: "no_account", message: "the account does not exist or is disabled" })
      }
      const current = CurrentUser.of({
        principal: { _tag: "User", user_id: user.id, session_id: claims.sessionId },
        access: accessOfRole(user.role)
      })
      return { current, isReadOnly: claims.readOnly === true }
    })

    return Authentication.of({
      bearer: (httpEffect, { credential, endpoint, group }) =>
        Effect.gen(function* () {
          const { current, isReadOnly } = yield* identify(credential).pipe(
            Effect.tapError(({ reason }) => Effect.sync(() => refusedTokens.inc({ reason }))),
            Effect.mapError(({ message }) => unauthenticated(message))
          )
          if (isReadOnly && endpoint.method !== "GET") return yield* forbidden(readOnlyMessage)
          const decision = authorize(demandOf(endpoint, group), current.access)
          switch (decision._tag) {
            case "Allowed":
              return yield* Effect.provideService(httpEffect, CurrentUser, current)
            case "Missing":
              return yield* forbidden(`this needs the permission ${decision.permission}, which you do not have`)
            case "Undeclared":
              yield* Effect.logError(
                `endpoint ${group.identifier}.${endpoint.name} declares no permission; it is refused`
              )
              return yield* forbidden("this endpoint is closed")
          }
        })
    })
  })
)
