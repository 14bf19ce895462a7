import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { SessionId, UserId } from "@nxmesh/protocol/Ids"
import { Clock, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { requireAllowed } from "../auth/AccessChecks.ts"
import { Reads } from "../state/Reads.ts"
import { existing } from "./Change.ts"
import { currentPerson } from "./CurrentPerson.ts"
import { answerPage } from "./Pagination.ts"
import { notFound } from "./Refusal.ts"
import { submit } from "./Submission.ts"

const requireSession = Effect.fnUntraced(function* (userId: UserId, id: SessionId) {
  const session = yield* (yield* Reads).session(id)
  if (session?.user_id !== userId || session.ended_at !== null) return yield* Effect.fail(notFound("session", id))
})

const endSessions = (user_id: UserId, session_id: SessionId | null, keep: SessionId | null) =>
  Effect.asVoid(submit({ _tag: "EndSessions", user_id, session_id, keep }))

export const layerSessions = HttpApiBuilder.group(
  NxMeshApi,
  "sessions",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads

    const pageOf = Effect.fnUntraced(function* (
      query: { readonly page: number; readonly per_page: number },
      userId: UserId,
      current: SessionId | null
    ) {
      const index = yield* reads.appliedIndex
      const all = yield* reads.sessions(userId, yield* Clock.currentTimeMillis)
      const first = (query.page - 1) * query.per_page
      const items = all.slice(first, first + query.per_page).map((each) => ({ ...each, current: each.id === current }))
      return yield* answerPage(query, { items, total: all.length }, index)
    })

    /** Somebody whom the caller may see, and manage. */
    const person = Effect.fnUntraced(function* (id: UserId, permission: "user:read" | "user:write") {
      const user = yield* existing("user", id)
      yield* requireAllowed(permission, yield* reads.scopeOfResource("user", user), { what: "user", id })
    })

    return handlers.handleAll({
      mine: Effect.fn("sessions.mine")(function* ({ query }) {
        const { session_id, user_id } = yield* currentPerson
        return yield* pageOf(query, user_id, session_id)
      }),
      endMine: Effect.fn("sessions.endMine")(function* ({ params }) {
        const { user_id } = yield* currentPerson
        yield* requireSession(user_id, params.session_id)
        yield* endSessions(user_id, params.session_id, null)
      }),
      endMyOthers: Effect.fn("sessions.endMyOthers")(function* () {
        const { session_id, user_id } = yield* currentPerson
        yield* endSessions(user_id, null, session_id)
      }),
      ofUser: Effect.fn("sessions.ofUser")(function* ({ params, query }) {
        yield* person(params.id, "user:read")
        return yield* pageOf(query, params.id, null)
      }),
      endOfUser: Effect.fn("sessions.endOfUser")(function* ({ params }) {
        yield* person(params.id, "user:write")
        yield* requireSession(params.id, params.session_id)
        yield* endSessions(params.id, params.session_id, null)
      }),
      endAllOfUser: Effect.fn("sessions.endAllOfUser")(function* ({ params }) {
        yield* person(params.id, "user:write")
        yield* endSessions(params.id, null, null)
      })
    })
  })
)
