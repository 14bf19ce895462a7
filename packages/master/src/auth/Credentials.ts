/**
 * Who a bearer text is of, by the state as it is at the request: an access token's session and user, read in microseconds
 * from the embedded state, or an API key's account and hash, so that logout, revoking and disabling act at once and no cache
 * has to be told. What they may do is decided in `Authentication`.
 */
import type { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { Clock, Context, Data, Effect, Layer, Option, Redacted } from "effect"
import { HttpServerRequest } from "effect/http"
import { type KeyLimits, limitsOf } from "../state/ReadServiceAccounts.ts"
import { Reads } from "../state/Reads.ts"
import { apiKeyPrefix, isSameHash, readApiKeyText } from "./ApiKeyText.ts"
import { ApiKeyUses } from "./ApiKeyUses.ts"
import { type AccessClaims, Tokens } from "./Tokens.ts"

export class CredentialRefused extends Data.TaggedError("CredentialRefused")<{
  readonly reason: "missing" | "expired" | "invalid" | "session_ended" | "no_account" | "mistyped_key" | "unknown_key"
  readonly message: string
}> {}

export interface Identified {
  readonly principal: CurrentUser["Service"]["principal"]
  /** Given while the cluster had no quorum: it is for reading alone (design-cluster.md 20). */
  readonly isReadOnly: boolean
  /** What the credential leaves of the principal's access; `null`: all of it. */
  readonly limits: KeyLimits | null
}

const howToLogIn =
  "send the access token of POST /api/v1/auth/login, or an API key, in the header Authorization, as in Bearer <access_token>"

const refusedKey = (reason: CredentialRefused["reason"], message: string) => new CredentialRefused({ reason, message })

/** Where the request comes from, when it is one of HTTP. */
const remoteAddress = Effect.map(Effect.context<never>(), (context) => {
  const request = Context.getOrUndefined(context, HttpServerRequest.HttpServerRequest)
  return request === undefined ? null : Option.getOrNull(request.remoteAddress)
})

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
      const uses = yield* ApiKeyUses

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
          // Who has to change the password may do nothing before, but what is open to everybody with a session.
          limits: user.must_change_password === true ? { permissions: new Set(), scope: null } : null
        }
        return identified
      })

      /** Whether a key exists, is revoked or merely wrong is not told. */
      const programBy = Effect.fnUntraced(function* (text: Redacted.Redacted<string>) {
        const shown = readApiKeyText(text)
        if (shown === "Mistyped") {
          return yield* refusedKey("mistyped_key", "the API key is mistyped or cut off: its checksum does not fit")
        }
        const key = yield* reads.apiKey(shown.id)
        if (key === undefined || !isSameHash(key.secret_hash, shown.hash)) {
          return yield* refusedKey("unknown_key", "the API key is not valid or was revoked")
        }
        if (key.expires_at !== null && Date.parse(key.expires_at) <= (yield* Clock.currentTimeMillis)) {
          return yield* refusedKey("expired", "the API key has expired: make another one")
        }
        const account = yield* reads.get("service_account", key.service_account_id)
        if (account === undefined || account.disabled) {
          return yield* refusedKey("no_account", "the service account does not exist or is disabled")
        }
        yield* uses.note(key, yield* remoteAddress)
        const identified: Identified = {
          principal: { _tag: "ServiceAccount", service_account_id: account.id, api_key_id: key.id },
          isReadOnly: false,
          limits: limitsOf(key)
        }
        return identified
      })

      const identify = Effect.fn("Credentials.identify")(function* (text: Redacted.Redacted<string>) {
        if (Redacted.value(text) === "") return yield* new CredentialRefused({ reason: "missing", message: howToLogIn })
        return yield* Redacted.value(text).startsWith(apiKeyPrefix) ? programBy(text) : personBy(text)
      })

      return Credentials.of({ identify })
    })
  ).pipe(Layer.provide(ApiKeyUses.layer))
}
