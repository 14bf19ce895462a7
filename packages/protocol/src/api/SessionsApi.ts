/** Logins that last: one's own, and of others for who may manage them. */
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { SessionId, UserId } from "../Ids.ts"
import { Session } from "../model/Session.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { page } from "./Envelope.ts"
import { pageQuery } from "./ListQuery.ts"

const list = { query: pageQuery, success: page(Session), error: ApiErrors }
const end = { success: HttpApiSchema.NoContent, error: ApiErrors }
const own = { session_id: SessionId }
const ofUser = { id: UserId }

export class SessionsApi extends HttpApiGroup.make("sessions")
  .add(
    HttpApiEndpoint.get("mine", "/me/sessions", list).annotateMerge(demands("authenticated")),
    HttpApiEndpoint.delete("endMine", "/me/sessions/:session_id", { params: own, ...end }).annotateMerge(
      demands("authenticated")
    ),
    HttpApiEndpoint.delete("endMyOthers", "/me/sessions", end).annotateMerge(demands("authenticated")),
    HttpApiEndpoint.get("ofUser", "/:id/sessions", { params: ofUser, ...list }).annotateMerge(demands("user:read")),
    HttpApiEndpoint.delete("endOfUser", "/:id/sessions/:session_id", {
      params: { ...ofUser, ...own },
      ...end
    }).annotateMerge(demands("user:write")),
    HttpApiEndpoint.delete("endAllOfUser", "/:id/sessions", { params: ofUser, ...end }).annotateMerge(
      demands("user:write")
    )
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/users") {}
