import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import type { WebhookId } from "@nxmesh/protocol/Ids"
import { allows, scopeOf } from "@nxmesh/protocol/model/Access"
import type { Alert } from "@nxmesh/protocol/model/Alert"
import { silences } from "@nxmesh/protocol/model/AlertSilence"
import { Clock, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { visibleScopes } from "../auth/AccessChecks.ts"
import { Database } from "../state/Database.ts"
import { listAlerts } from "../state/ListAlerts.ts"
import { findAlert, type KeptAlert } from "../state/ReadAlerting.ts"
import { Reads } from "../state/Reads.ts"
import { findResource, resourcesBy } from "../state/Resources.ts"
import { requireAlerting } from "./AlertingVersion.ts"
import { answerPage, listQueryOf } from "./Pagination.ts"
import { notFound } from "./Refusal.ts"

/** With what holds it back at this moment. */
const viewer = Effect.gen(function* () {
  const { reader } = yield* Database
  const now = yield* Clock.currentTimeMillis
  const all = resourcesBy(reader, "alert_silence", {})
  return ({ alert, told }: KeptAlert): Alert => ({
    ...alert,
    silenced_by: all.filter((silence) => silences(silence, alert, now)).map(({ id }) => id),
    in_maintenance: alert.agent_id !== null && findResource(reader, "agent", alert.agent_id)?.maintenance === true,
    told: Object.keys(told) as unknown as ReadonlyArray<WebhookId>
  })
})

export const layerAlerts = HttpApiBuilder.group(
  NxMeshApi,
  "alerts",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    const { reader } = yield* Database
    return handlers.handleAll({
      list: Effect.fn("alerts.list")(function* ({ query }) {
        yield* requireAlerting
        const index = yield* reads.appliedIndex
        const within = yield* visibleScopes("alert:read")
        const { items, total } = listAlerts(reader, { ...listQueryOf(query), within })
        return yield* answerPage(query, { items: items.map(yield* viewer), total }, index)
      }),
      get: Effect.fn("alerts.get")(function* ({ params }) {
        yield* requireAlerting
        const found = findAlert(reader, params.id)
        const { access } = yield* CurrentUser
        if (found === undefined || !allows(access, "alert:read", scopeOf(found.alert))) {
          return yield* Effect.fail(notFound("alert", params.id))
        }
        return { data: (yield* viewer)(found) }
      })
    })
  })
)
