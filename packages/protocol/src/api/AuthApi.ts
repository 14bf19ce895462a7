/** Login by password, rotating refresh tokens (RFC 9700, 4.14), logout. */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { Limits } from "../Limits.ts"
import { Email } from "../model/Text.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"

/** The password is only bounded here: what a login accepts is decided by its hash. */
export const LoginRequest = Schema.Struct({
  email: Email,
  password: Schema.RedactedFromValue(Schema.String.check(Schema.isMaxLength(Limits.passwordCharactersMax))),
  /** True: the refresh token comes as a cookie that scripts cannot read, and not in the body. For consoles in a browser. */
  refresh_cookie: Schema.optionalKey(Schema.Boolean)
}).annotate({ identifier: "LoginRequest" })
export type LoginRequest = typeof LoginRequest.Type

/** Without the token, that of the cookie is meant, and the next one comes as a cookie too. */
export const RefreshRequest = Schema.Struct({
  refresh_token: Schema.optionalKey(Schema.RedactedFromValue(Schema.String.check(Schema.isMaxLength(1_024))))
}).annotate({ identifier: "RefreshRequest" })
export type RefreshRequest = typeof RefreshRequest.Type

/** An access token (a JWT, RS256) and the refresh token that follows it up, good for one use. */
export const TokenPair = Schema.Struct({
  token_type: Schema.Literal("Bearer"),
  access_token: Schema.String,
  /** Seconds until the access token ends. */
  expires_in: Schema.Int,
  /** `null` with a token for reading alone, and where it is in a cookie. */
  refresh_token: Schema.NullOr(Schema.String),
  /** True when the cluster had no quorum to record a session: log in again when it has one. */
  read_only: Schema.Boolean
}).annotate({ identifier: "TokenPair" })
export type TokenPair = typeof TokenPair.Type

export class AuthApi extends HttpApiGroup.make("auth")
  .add(
    HttpApiEndpoint.post("login", "/login", {
      payload: LoginRequest,
      success: one(TokenPair),
      error: ApiErrors
    }).annotateMerge(demands(null, { example: { email: "ada@example.com", password: "at least twelve characters" } })),
    HttpApiEndpoint.post("refresh", "/refresh", {
      payload: RefreshRequest,
      success: one(TokenPair),
      error: ApiErrors
    }).annotateMerge(demands(null)),
    HttpApiEndpoint.post("logout", "/logout", { success: HttpApiSchema.NoContent, error: ApiErrors })
      .annotateMerge(demands("authenticated"))
      .middleware(RequestAttribution)
      .middleware(Authentication)
  )
  .prefix("/auth") {}
