/** Invitations and resets: links by which people set a password, and passwords that administrators set for a while. */
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { UserId } from "../Ids.ts"
import { IssuedPasswordLink, PasswordLinkCreate, PasswordRedeem, PasswordSet } from "../model/Password.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"
import { idempotencyKey } from "./Requests.ts"

const params = { id: UserId }

export class PasswordsApi extends HttpApiGroup.make("passwords").add(
  HttpApiEndpoint.post("createLink", "/users/:id/password-link", {
    params,
    headers: idempotencyKey,
    payload: PasswordLinkCreate,
    success: one(IssuedPasswordLink).pipe(HttpApiSchema.status(201)),
    error: ApiErrors
  })
    .annotateMerge(demands("user:write", { example: { ttl_seconds: 86_400 } }))
    .middleware(RequestAttribution)
    .middleware(Authentication),
  HttpApiEndpoint.post("set", "/users/:id/password", {
    params,
    payload: PasswordSet,
    success: HttpApiSchema.NoContent,
    error: ApiErrors
  })
    .annotateMerge(demands("user:write", { example: { new_password: "a passing thought of clouds" } }))
    .middleware(RequestAttribution)
    .middleware(Authentication),
  HttpApiEndpoint.post("redeem", "/auth/password", {
    payload: PasswordRedeem,
    success: HttpApiSchema.NoContent,
    error: ApiErrors
  }).annotateMerge(demands(null))
) {}
