/**
 * Logins and their families of refresh tokens (RFC 9700, section 4.14.2). The decisions that must hold on every master
 * (is this token the present one, was it used before) are apply's; here is what happens around them.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { SessionId, UserId } from "@nxmesh/protocol/Ids"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import type { Principal } from "@nxmesh/protocol/Principal"
import { Clock, Context, Duration, Effect, Layer, Redacted, Schema } from "effect"
import { type CommandRejected, Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { Reads } from "../state/Reads.ts"
import { authMetrics } from "./AuthMetrics.ts"
import { LoginGate } from "./LoginGate.ts"
import { makeRefreshToken, parseRefreshToken } from "./RefreshToken.ts"
import { PasswordRules } from "./PasswordRules.ts"
import { CredentialsRefused, PasswordRefused, RefreshRefused, type SessionError } from "./SessionErrors.ts"
import { Passwords } from "./Passwords.ts"
import { type AccessClaims, Tokens } from "./Tokens.ts"

export interface IssuedTokens {
  readonly userId: UserId
  readonly sessionId: SessionId
  readonly accessToken: Redacted.Redacted<string>
  /** Of the access token. */
  readonly expiresInSeconds: number
  /** Good for one use. */
  readonly refreshToken: Redacted.Redacted<string>
}

/** Of a login that could not be recorded: an access token for reading alone, and nothing to refresh it with. */
export type ReadOnlyToken = Omit<IssuedTokens, "refreshToken">

export interface LoginAttempt {
  readonly email: string
  readonly password: Redacted.Redacted<string>
  readonly remoteAddress: string
  /** What the client says of itself. */
  readonly userAgent?: string | undefined
}

export interface PasswordChangeAttempt {
  readonly userId: UserId
  readonly sessionId: SessionId
  readonly current: Redacted.Redacted<string>
  readonly next: Redacted.Redacted<string>
  readonly remoteAddress: string
}

const system: Principal = { _tag: "System", component: "sessions" }
const refreshMillis = Duration.toMillis(Limits.auth.refreshLifetime)
const ageMillis = Duration.toMillis(Limits.auth.sessionAge)

/** What apply answers to RotateSession: our own successor, or the one that a lost answer held. */
const Rotated = Schema.Struct({ user_id: UserId, sealed_next: SealedSecret })
const decodeRotated = Schema.decodeUnknownEffect(Rotated)

export class Sessions extends Context.Service<
  Sessions,
  {
    readonly login: (attempt: LoginAttempt) => Effect.Effect<IssuedTokens, SessionError>
    /** While the cluster has no quorum, and can record no session, an operator must still be able to look (rule 20). */
    readonly loginToRead: (attempt: LoginAttempt) => Effect.Effect<ReadOnlyToken, SessionError>
    /** The old token is good once; the same again within 30 s answers the same successor, and later ends the session. */
    readonly refresh: (
      token: Redacted.Redacted<string>,
      remoteAddress: string
    ) => Effect.Effect<IssuedTokens, SessionError>
    readonly logout: (user: {
      readonly userId: UserId
      readonly sessionId: SessionId
      readonly remoteAddress: string
    }) => Effect.Effect<void, SessionError>
    /** Ends every other session of the user. */
    readonly changePassword: (attempt: PasswordChangeAttempt) => Effect.Effect<void, SessionError>
  }
>()("@nxmesh/master/auth/Sessions") {
  static readonly layer = Layer.effect(
    Sessions,
    Effect.gen(function* () {
      const commands = yield* Commands
      const gate = yield* LoginGate
      const { refreshes } = yield* authMetrics
      const identifiers = yield* Identifiers
      const passwords = yield* Passwords
      const reads = yield* Reads
      const rules = yield* PasswordRules
      const secrets = yield* Secrets
      const tokens = yield* Tokens

      const access = Effect.fnUntraced(function* (claims: Omit<AccessClaims, "role">) {
        const user = yield* reads.get("user", claims.userId)
        if (user === undefined || user.disabled) return yield* new CredentialsRefused()
        return yield* tokens.issue({ ...claims, role: user.role })
      })

      const issue = Effect.fnUntraced(function* (
        userId: UserId,
        sessionId: SessionId,
        refreshToken: Redacted.Redacted<string>
      ) {
        return { userId, sessionId, refreshToken, ...(yield* access({ userId, sessionId })) }
      })

      /** The same password under today's parameters. When someone else changes the user meanwhile, the next login does it. */
      const rehash = Effect.fnUntraced(function* (email: string, password: Redacted.Redacted<string>) {
        const password_hash = yield* passwords.hash(password)
        const stored = yield* reads.userByEmail(email)
        if (stored === undefined) return
        const { created_at: _, revision, updated_at: __, ...user } = stored
        yield* commands
          .submit({
            principal: system,
            command: { _tag: "SaveUser", mode: "update", if_match: revision, user: { ...user, password_hash } }
          })
          .pipe(Effect.catch((error) => Effect.logWarning("a password keeps its older hash for now", error)))
      })

      const checkPassword = Effect.fnUntraced(function* ({ email, password }: LoginAttempt, isRecorded: boolean) {
        const user = yield* reads.userByEmail(email)
        if (user === undefined) {
          yield* passwords.verifyNobody(password)
          return undefined
        }
        const verdict = yield* passwords.verify(password, user.password_hash)
        if (verdict === "Wrong" || user.disabled) return undefined
        if (verdict === "Outdated" && isRecorded) yield* rehash(email, password)
        return user
      })

      const userBy = Effect.fnUntraced(function* (attempt: LoginAttempt, isRecorded: boolean) {
        const user = yield* gate.attempt(attempt, checkPassword(attempt, isRecorded), isRecorded)
        return user ?? (yield* new CredentialsRefused())
      })

      const loginToRead = Effect.fn("Sessions.loginToRead")(function* (attempt: LoginAttempt) {
        const { id: userId } = yield* userBy(attempt, false)
        const sessionId = SessionId.make(yield* identifiers.uuid)
        return { userId, sessionId, ...(yield* access({ userId, sessionId, readOnly: true })) }
      })

      /** A cluster below version 4 keeps none. */
      const agentOf = Effect.fnUntraced(function* ({ userAgent }: LoginAttempt) {
        const state = yield* reads.clusterState
        if (userAgent === undefined || (state?.clusterVersion ?? 1) < 4) return {}
        return { user_agent: userAgent.slice(0, Limits.auth.userAgentCharactersMax) }
      })

      const login = Effect.fn("Sessions.login")(function* (attempt: LoginAttempt) {
        const user = yield* userBy(attempt, true)
        const nowMillis = yield* Clock.currentTimeMillis
        const sessionId = SessionId.make(yield* identifiers.uuid)
        const refresh = yield* makeRefreshToken(sessionId).pipe(Effect.provideService(Identifiers, identifiers))
        yield* commands.submit({
          principal: system,
          command: {
            _tag: "StartSession",
            id: sessionId,
            user_id: user.id,
            refresh_hash: refresh.hash,
            expires_at: new Date(nowMillis + refreshMillis).toISOString(),
            remote_address: attempt.remoteAddress,
            ...(yield* agentOf(attempt))
          },
          remoteAddress: attempt.remoteAddress
        })
        return yield* issue(user.id, sessionId, refresh.text)
      })

      const rotate = Effect.fnUntraced(function* (text: Redacted.Redacted<string>, remoteAddress: string) {
        const token = parseRefreshToken(text)
        const session = token === undefined ? undefined : yield* reads.session(token.sessionId)
        if (token === undefined || session === undefined) {
          return yield* new RefreshRefused({ message: "the refresh token is not valid; log in" })
        }
        const nowMillis = yield* Clock.currentTimeMillis
        const expiresMillis = Math.min(nowMillis + refreshMillis, Date.parse(session.created_at) + ageMillis)
        const next = yield* makeRefreshToken(token.sessionId).pipe(Effect.provideService(Identifiers, identifiers))
        const place = sealedPlaces.refreshToken(token.sessionId)
        const accepted = yield* commands
          .submit({
            principal: system,
            command: {
              _tag: "RotateSession",
              id: token.sessionId,
              refresh_hash: token.hash,
              next_refresh_hash: next.hash,
              sealed_next: yield* secrets.seal(next.text, place),
              expires_at: new Date(expiresMillis).toISOString()
            },
            remoteAddress
          })
          .pipe(
            Effect.catchTag("CommandRejected", (error): Effect.Effect<never, CommandRejected | RefreshRefused> =>
              error.rejection.code === "UNAUTHENTICATED"
                ? Effect.fail(new RefreshRefused({ message: error.rejection.message }))
                : Effect.fail(error)
            )
          )
        const rotated = yield* Effect.orDie(decodeRotated(accepted.value))
        const successor = yield* Effect.orDie(secrets.open(rotated.sealed_next, place))
        return yield* issue(rotated.user_id, token.sessionId, successor)
      })

      const refresh = Effect.fn("Sessions.refresh")(
        function* (text: Redacted.Redacted<string>, remoteAddress: string) {
          return yield* rotate(text, remoteAddress)
        },
        Effect.tap(() => Effect.sync(() => refreshes.inc({ outcome: "rotated" }))),
        Effect.tapError(() => Effect.sync(() => refreshes.inc({ outcome: "refused" })))
      )

      const logout = Effect.fn("Sessions.logout")(function* (user: {
        readonly userId: UserId
        readonly sessionId: SessionId
        readonly remoteAddress: string
      }) {
        yield* commands.submit({
          principal: { _tag: "User", user_id: user.userId, session_id: user.sessionId },
          command: { _tag: "EndSession", id: user.sessionId },
          remoteAddress: user.remoteAddress
        })
      })

      const changePassword = Effect.fn("Sessions.changePassword")(function* (attempt: PasswordChangeAttempt) {
        const user = yield* reads.get("user", attempt.userId)
        if (user === undefined) return yield* new CredentialsRefused()
        const { email } = user
        const guess = { email, password: attempt.current, remoteAddress: attempt.remoteAddress }
        if ((yield* gate.attempt(guess, checkPassword(guess, true), true)) === undefined)
          return yield* new PasswordRefused()
        yield* rules.require(attempt.next, user, "new_password")
        yield* commands.submit({
          principal: { _tag: "User", user_id: attempt.userId, session_id: attempt.sessionId },
          command: {
            _tag: "ChangePassword",
            id: attempt.userId,
            password_hash: yield* passwords.hash(attempt.next),
            keep_session: attempt.sessionId
          },
          remoteAddress: attempt.remoteAddress
        })
      })

      return Sessions.of({ login, loginToRead, refresh, logout, changePassword })
    })
  ).pipe(Layer.provide(PasswordRules.layer))
}
