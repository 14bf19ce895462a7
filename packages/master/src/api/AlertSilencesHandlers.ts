import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { AlertSilenceId } from "@nxmesh/protocol/Ids"
import { type AlertSilenceCreate, type AlertSilencePatch, silenceProblems } from "@nxmesh/protocol/model/AlertSilence"
import { principalName } from "@nxmesh/protocol/Principal"
import { Clock, Effect } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import type { ContentOf } from "../state/Kinds.ts"
import { withAlerting } from "./AlertingVersion.ts"
import { fullPlace } from "./AlertRulesHandlers.ts"
import { newId } from "./NewIds.ts"
import { invalid } from "./Refusal.ts"
import { resourceHandlers } from "./ResourceHandlers.ts"
import { currentPrincipal } from "./Submission.ts"
import { unstamped } from "./Unstamped.ts"

const checked = Effect.fnUntraced(function* (silence: ContentOf<"alert_silence">) {
  const problems = silenceProblems(silence)
  return problems.length > 0 ? yield* Effect.fail(invalid(problems)) : silence
})

const silences = resourceHandlers({
  kind: "alert_silence",
  group: "alertSilences",
  collection: "alert-silences",
  view: (silence) => Effect.succeed(silence),
  create: Effect.fnUntraced(function* (payload: AlertSilenceCreate) {
    const id = yield* newId(AlertSilenceId)
    const now = new Date(yield* Clock.currentTimeMillis).toISOString()
    const alert_silence = yield* checked({
      ...payload,
      ...(yield* fullPlace(payload)),
      id,
      starts_at: payload.starts_at ?? now,
      created_by: principalName(yield* currentPrincipal)
    })
    return { _tag: "SaveAlertSilence", mode: "create", if_match: null, alert_silence } as const
  }),
  change: (current, payload: AlertSilencePatch) =>
    Effect.map(checked({ ...unstamped(current), ...payload }), (alert_silence) => ({
      _tag: "SaveAlertSilence",
      mode: "update",
      if_match: current.revision,
      alert_silence
    })),
  remove: ({ params }, if_match) => Effect.succeed({ _tag: "DeleteAlertSilence", id: params.id, if_match })
})

export const layerAlertSilences = HttpApiBuilder.group(NxMeshApi, "alertSilences", (handlers) =>
  handlers.handleAll({
    list: withAlerting(silences.list),
    create: withAlerting(silences.create),
    get: withAlerting(silences.get),
    change: withAlerting(silences.change),
    remove: withAlerting(silences.remove)
  })
)
