/**
 * Access tokens: JWTs by the profile of RFC 9068, signed with RS256, good for 15 minutes. The role in the token is for
 * clients to read; what a request may do follows from the state at the time of the request.
 */
import { SessionId, UserId } from "@nxmesh/protocol/Ids"
import { Role } from "@nxmesh/protocol/model/Permission"
import { Clock, Context, Data, Duration, Effect, Layer, Redacted, Schema } from "effect"
import { createLocalJWKSet, errors, importJWK, type JSONWebKeySet, type JWTPayload, jwtVerify, SignJWT } from "jose"
import { Limits } from "../Limits.ts"
import { type SigningKey, SigningKeys } from "./SigningKeys.ts"

const algorithm = "RS256"
const type = "at+jwt"
const audience = "nxmesh-api"

export interface AccessClaims {
  readonly userId: UserId
  readonly sessionId: SessionId
  /** Of the whole installation; `null` for somebody who only has bindings. */
  readonly role: Role | null
  /** Given while the cluster had no quorum: its session is recorded nowhere, and it is for reading alone. */
  readonly readOnly?: true
}

const setOf = (keys: ReadonlyArray<SigningKey>): JSONWebKeySet => ({
  keys: keys.map(({ publicJwk }) => ({ ...publicJwk }))
})

/** Made once of each key, or set of keys, for as long as somebody has that. */
const remembered = <K extends object, V>(make: (key: K) => V): ((key: K) => V) => {
  const made = new WeakMap<K, V>()
  return (key) => {
    const found = made.get(key) ?? make(key)
    made.set(key, found)
    return found
  }
}

export class TokenRefused extends Data.TaggedError("TokenRefused")<{ readonly reason: "Expired" | "Invalid" }> {
  override get message() {
    return this.reason === "Expired"
      ? "the access token has expired; refresh it"
      : "the access token is not valid; log in"
  }
}

const Claims = Schema.Struct({
  sub: UserId,
  sid: SessionId,
  role: Schema.NullOr(Role),
  read_only: Schema.optionalKey(Schema.Literal(true))
})
const decodeClaims = Schema.decodeUnknownEffect(Claims)

export class Tokens extends Context.Service<
  Tokens,
  {
    readonly issue: (
      claims: AccessClaims
    ) => Effect.Effect<{ readonly accessToken: Redacted.Redacted<string>; readonly expiresInSeconds: number }>
    /** Signature, type, issuer, audience and time. Whether session and user still stand is for the caller to ask. */
    readonly verify: (token: Redacted.Redacted<string>) => Effect.Effect<AccessClaims, TokenRefused>
    /** The public keys, for whoever verifies tokens elsewhere (RFC 7517). */
    readonly keySet: Effect.Effect<JSONWebKeySet>
  }
>()("@nxmesh/master/auth/Tokens") {
  static readonly layer = Layer.effect(
    Tokens,
    Effect.gen(function* () {
      const { issuer, keys, signer } = yield* SigningKeys
      const signingKey = remembered((key: SigningKey) => importJWK(Redacted.value(key.privateJwk), algorithm))
      const keySet = Effect.map(keys, setOf)
      const verifyingKeyOf = remembered((all: ReadonlyArray<SigningKey>) => createLocalJWKSet(setOf(all)))

      const issue = Effect.fn("Tokens.issue")(function* ({ readOnly, role, sessionId, userId }: AccessClaims) {
        const { accessTokenLifetime, readOnlyTokenLifetime } = Limits.auth
        const lifetimeSeconds = Duration.toSeconds(readOnly === true ? readOnlyTokenLifetime : accessTokenLifetime)
        const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
        const key = yield* signer
        const token = new SignJWT({ sid: sessionId, role, ...(readOnly === true ? { read_only: true } : {}) })
          .setProtectedHeader({ alg: algorithm, typ: type, kid: key.keyId })
          .setIssuer(issuer)
          .setAudience(audience)
          .setSubject(userId)
          .setIssuedAt(nowSeconds)
          .setExpirationTime(nowSeconds + lifetimeSeconds)
        const signed = yield* Effect.promise(() => signingKey(key).then((imported) => token.sign(imported)))
        return { accessToken: Redacted.make(signed), expiresInSeconds: lifetimeSeconds }
      })

      const verify = Effect.fn("Tokens.verify")(function* (
        token: Redacted.Redacted<string>
      ): Effect.fn.Return<AccessClaims, TokenRefused> {
        const currentDate = new Date(yield* Clock.currentTimeMillis)
        const verifyingKey = verifyingKeyOf(yield* keys)
        const payload = yield* Effect.tryPromise({
          try: async (): Promise<JWTPayload> => {
            const verified = await jwtVerify(Redacted.value(token), verifyingKey, {
              algorithms: [algorithm],
              typ: type,
              issuer,
              audience,
              currentDate,
              clockTolerance: Duration.toSeconds(Limits.auth.clockSkew),
              requiredClaims: ["exp", "iat", "sub"]
            })
            return verified.payload
          },
          catch: (cause) => new TokenRefused({ reason: cause instanceof errors.JWTExpired ? "Expired" : "Invalid" })
        })
        const claims = yield* Effect.mapError(decodeClaims(payload), () => new TokenRefused({ reason: "Invalid" }))
        const names = { userId: claims.sub, sessionId: claims.sid, role: claims.role }
        return claims.read_only === true ? { ...names, readOnly: true } : names
      })

      return Tokens.of({ issue, verify, keySet })
    })
  )
}
