import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { Sha256, UserId } from "@nxmesh/protocol/Ids"
import type { IssuedPasswordLink } from "@nxmesh/protocol/model/Password"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Clock, Effect, Redacted, Schema } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { PasswordRules } from "../auth/PasswordRules.ts"
import { Passwords } from "../auth/Passwords.ts"
import { sessionApiError } from "../auth/SessionErrors.ts"
import { Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"
import { Reads } from "../state/Reads.ts"
import { requireAllowed } from "../auth/AccessChecks.ts"
import { existing } from "./Change.ts"
import { publicOrigin } from "./PublicOrigin.ts"
import { refuse } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"
import { commandRefusal, idempotencyOf, remoteAddress, submit } from "./Submission.ts"

const Created = Schema.Struct({
  token: Schema.Struct({ id: Schema.String, user_id: UserId, expires_at: Schema.String }),
  sealed_token: SealedSecret
})
const decodeCreated = Schema.decodeUnknownEffect(Created)

const hashOf = (token: Redacted.Redacted<string>) => Sha256.make(sha256Hex(Redacted.value(token)))

const unusable = refuse("UNAUTHENTICATED", "This link was used, has expired or was replaced: ask for another one")

export const layerPasswords = HttpApiBuilder.group(
  NxMeshApi,
  "passwords",
  Effect.fnUntraced(function* (handlers) {
    const commands = yield* Commands
    const identifiers = yield* Identifiers
    const passwords = yield* Passwords
    const reads = yield* Reads
    const rules = yield* PasswordRules
    const secrets = yield* Secrets

    const manageable = Effect.fnUntraced(function* (id: UserId) {
      const user = yield* existing("user", id)
      yield* requireAllowed("user:write", yield* reads.scopeOfResource("user", user), { what: "user", id })
      return user
    })

    return handlers.handleAll({
      createLink: Effect.fn("passwords.createLink")(function* ({ headers, params, payload }) {
        yield* manageable(params.id)
        const id = yield* identifiers.uuid
        const text = yield* identifiers.token(Limits.auth.passwordLinkBytes)
        const nowMillis = yield* Clock.currentTimeMillis
        const path = `users/${params.id}/password-link`
        const accepted = yield* submit(
          {
            _tag: "CreatePasswordToken",
            id,
            user_id: params.id,
            token_hash: hashOf(text),
            expires_at: new Date(nowMillis + payload.ttl_seconds * 1_000).toISOString(),
            sealed_token: yield* secrets.seal(text, sealedPlaces.passwordLink(id))
          },
          idempotencyOf(headers["idempotency-key"], { method: "POST", path, payload })
        )
        const { sealed_token, token } = yield* Effect.orDie(decodeCreated(accepted.value))
        const first = yield* Effect.orDie(secrets.open(sealed_token, sealedPlaces.passwordLink(token.id)))
        const secret = Redacted.value(first)
        const { expires_at, user_id } = token
        const link = `${yield* publicOrigin}/set-password#token=${secret}`
        const issued: IssuedPasswordLink = { user_id, expires_at, token: secret, link }
        yield* answerHeaders({ "cache-control": "no-store", ...indexHeader(accepted.index) })
        return { data: issued }
      }),
      set: Effect.fn("passwords.set")(function* ({ params, payload }) {
        const user = yield* manageable(params.id)
        const { must_change_password, new_password } = payload
        yield* Effect.mapError(rules.require(new_password, user, "new_password"), sessionApiError)
        yield* submit({
          _tag: "ChangePassword",
          id: params.id,
          password_hash: yield* passwords.hash(new_password),
          keep_session: null,
          ...(must_change_password ? { must_change: true } : {})
        })
      }),
      redeem: Effect.fn("passwords.redeem")(function* ({ payload }) {
        const token_hash = hashOf(payload.token)
        const user = yield* reads.userOfPasswordToken(token_hash)
        // Before a password is hashed, which is what would cost something.
        if (user === undefined) return yield* Effect.fail(unusable)
        yield* Effect.mapError(rules.require(payload.new_password, user, "new_password"), sessionApiError)
        yield* commands
          .submit({
            principal: { _tag: "System", component: "password-links" },
            command: {
              _tag: "RedeemPasswordToken",
              token_hash,
              password_hash: yield* passwords.hash(payload.new_password)
            },
            remoteAddress: yield* remoteAddress
          })
          .pipe(Effect.mapError(commandRefusal))
      })
    })
  })
)
