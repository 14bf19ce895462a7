import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { UserId } from "@nxmesh/protocol/Ids"
import type { User } from "@nxmesh/protocol/model/User"
import { Effect, type Redacted } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { visibleScopes } from "../auth/AccessChecks.ts"
import { PasswordRules } from "../auth/PasswordRules.ts"
import { Passwords } from "../auth/Passwords.ts"
import { sessionApiError } from "../auth/SessionErrors.ts"
import { Sessions } from "../auth/Sessions.ts"
import type { ResourceOf } from "../state/Kinds.ts"
import { Reads } from "../state/Reads.ts"
import { grantsView, heldSomewhere } from "./GrantsView.ts"
import { currentPerson } from "./CurrentPerson.ts"
import { changeResource, existing } from "./Change.ts"
import { answerCreated, answerOne, answerUnlessKnown, ifMatchRevision } from "./ConditionalRequest.ts"
import { newId } from "./NewIds.ts"
import { requireInHome } from "./NewPlace.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { notFound } from "./Refusal.ts"
import { idempotencyOf, remoteAddress, submit } from "./Submission.ts"
import { unstamped } from "./Unstamped.ts"

/** No answer holds the hash. */
const view = ({ password_hash: _hash, ...user }: ResourceOf<"user">): User => ({ organization_id: null, ...user })

/** As apply answers a save, which is without the hash. */
const told = (saved: unknown): User => ({ organization_id: null, ...(saved as Omit<User, "organization_id">) })

/** Stored only where there is one, so that a cluster below version 4 takes the rest. */
const homeOf = (organization_id: User["organization_id"]) => (organization_id === null ? {} : { organization_id })

export const layerUsers = HttpApiBuilder.group(
  NxMeshApi,
  "users",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    const passwords = yield* Passwords
    const rules = yield* PasswordRules
    const sessions = yield* Sessions
    const newHash = (password: Redacted.Redacted<string>, user: Pick<User, "email" | "name">) =>
      rules
        .require(password, user, "password")
        .pipe(Effect.mapError(sessionApiError), Effect.andThen(passwords.hash(password)))
    return handlers.handleAll({
      list: Effect.fn("users.list")(function* ({ query }) {
        const index = yield* reads.appliedIndex
        const within = yield* visibleScopes("user:read")
        const { items, total } = yield* reads.list("user", { ...listQueryOf(query), within })
        return yield* answerPage(query, { items: items.map(view), total }, index)
      }),
      create: Effect.fn("users.create")(function* ({ headers, payload }) {
        const id = yield* newId(UserId)
        const { organization_id, password, ...user } = payload
        yield* requireInHome("user:write", organization_id)
        const password_hash = password === undefined ? "" : yield* newHash(password, user)
        const accepted = yield* submit(
          {
            _tag: "SaveUser",
            mode: "create",
            if_match: null,
            user: { id, ...homeOf(organization_id), ...user, password_hash }
          },
          idempotencyOf(headers["idempotency-key"], {
            method: "POST",
            path: "users",
            payload: { organization_id, ...user }
          })
        )
        return yield* answerCreated(told(accepted.value), accepted.index, "users")
      }),
      get: Effect.fn("users.get")(function* ({ headers, params }) {
        const index = yield* reads.appliedIndex
        return yield* answerUnlessKnown(view(yield* existing("user", params.id)), index, headers["if-none-match"])
      }),
      change: Effect.fn("users.change")(function* ({ headers, params, payload }) {
        const accepted = yield* changeResource({
          kind: "user",
          id: params.id,
          ifMatch: ifMatchRevision(headers["if-match"]),
          command: (current) =>
            Effect.succeed({
              _tag: "SaveUser",
              mode: "update",
              if_match: current.revision,
              user: { ...unstamped(current), ...payload }
            })
        })
        return yield* answerOne(told(accepted.value), accepted.index)
      }),
      remove: Effect.fn("users.remove")(function* ({ headers, params }) {
        yield* existing("user", params.id, "user:delete")
        yield* submit({ _tag: "DeleteUser", id: params.id, if_match: ifMatchRevision(headers["if-match"]) })
      }),
      me: Effect.fn("users.me")(function* () {
        const { user_id } = yield* currentPerson
        const { access } = yield* CurrentUser
        const index = yield* reads.appliedIndex
        const stored = yield* reads.get("user", user_id)
        if (stored === undefined) return yield* Effect.fail(notFound("user", user_id))
        const user = view(stored)
        return yield* answerOne({ ...user, permissions: heldSomewhere(access), grants: grantsView(access) }, index)
      }),
      changePassword: Effect.fn("users.changePassword")(function* ({ payload }) {
        const { session_id, user_id } = yield* currentPerson
        const attempt = {
          userId: user_id,
          sessionId: session_id,
          current: payload.current_password,
          next: payload.new_password,
          remoteAddress: (yield* remoteAddress) ?? "unknown"
        }
        yield* Effect.mapError(sessions.changePassword(attempt), sessionApiError)
      })
    })
  })
)
