/**
 * Who a bearer text is of, by the state as it is at the request: an access token's session and user, read in microseconds
 * from the embedded state, so that logout and disabling act at once and no cache has to be told. What they may do is
 * decided in `Authentication`.
 */
import type { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import type { Scope } from "@nxmesh/protocol/model/Access"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import { Clock, Context, Data, Effect, Layer, Redacted } from "effect"
import { Reads } from "../state/Reads.ts"
import { type AccessClaims, Tokens } from "./Tokens.ts"

export class CredentialRefused extends Data.TaggedError("CredentialRefused")<{
  readonly reason: "missing" | "expired" | "invalid" | "session_ended" | "no_account"
  readonly message: string
}> {}

/** To what an API key is narrowed, whatever its account may do besides. */
export interface KeyLimits {
  /** `null`: every one that the account has. */
  readonly permissions: ReadonlySet<Permission> | null
  /** `null`: wherever the account is allowed. */
  readonly scope: Scope | null
}

export interface Identified {
  readonly principal: CurrentUser["Service"]["principal"]
  /** Given while the cluster had no quorum: it is for reading alone (design-cluster.md 20). */
  readonly isReadOnly: boolean
  /** What the credential leaves of the principal's access; `null`: all of it. */
  readonly limits: KeyLimits | null
}

const howToLogIn =
  "send the access token of POST /api/v1/auth/login in the header Authorization, as in Bearer <access_token>"

export class Credentials extends Context.Service<
  Credentials,
  {
    /** The principal stands: it exists, and is not disabled. */
    readonly identify: (text: Redacted.Redacted<string>) => Effect.Effect<Identified, CredentialRefused>
  }
>()("@nxmesh/master/auth/Credentials") {
  static readonly layer = Layer.effect(
    Credentials,
    Effect.gen(function* () {
      const reads = yield* Reads
      const tokens = yield* Tokens

      /** The session is recorded, of this user, and has not ended. */
      const standing = Effect.fnUntraced(function* ({ sessionId, userId }: AccessClaims) {
        const session = yield* reads.session(sessionId)
        const nowMillis = yield* Clock.currentTimeMillis
        const isOver = session === undefined || session.ended_at !== null || Date.parse(session.expires_at) <= nowMillis
        if (isOver || session.user_id !== userId) {
          return yield* new CredentialRefused({ reason: "session_ended", message: "the session has ended; log in" })
        }
      })

      const personBy = Effect.fnUntraced(function* (token: Redacted.Redacted<string>) {
        const claims = yield* tokens
          .verify(token)
          .pipe(
            Effect.mapError(
              ({ message, reason }) =>
                new CredentialRefused({ reason: reason === "Expired" ? "expired" : "invalid", message })
            )
          )
        if (claims.readOnly !== true) yield* standing(claims)
        const user = yield* reads.get("user", claims.userId)
        if (user === undefined || user.disabled) {
          return yield* new CredentialRefused({
            reason: "no_account",
            message: "the account does not exist or is disabled"
          })
        }
        const identified: Identified = {
          principal: { _tag: "User", user_id: user.id, session_id: claims.sessionId },
          isReadOnly: claims.readOnly === true,
          limits: null
        }
        return identified
      })

      const identify = Effect.fn("Credentials.identify")(function* (text: Redacted.Redacted<string>) {
        if (Redacted.value(text) === "") return yield* new CredentialRefused({ reason: "missing", message: howToLogIn })
        return yield* personBy(text)
      })

      return Credentials.of({ identify })
    })
  )
}
