/** What holds for the whole installation. */
import { NxMeshApi } from "@nxmesh/protocol/api/NxMeshApi"
import { installation } from "@nxmesh/protocol/model/Access"
import {
  chosenNames,
  effectiveSettings,
  patchedSettings,
  type Settings,
  type SettingsPatch
} from "@nxmesh/protocol/model/InstallationSettings"
import { Effect, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { requireAllowed } from "../auth/AccessChecks.ts"
import { Limits } from "../Limits.ts"
import { shutOut } from "../network/ShutOut.ts"
import { Reads } from "../state/Reads.ts"
import type { StoredSettings } from "../state/ReadSettings.ts"
import { ChangeTurns } from "./ChangeTurns.ts"
import { answerOne, answerUnlessKnown, ifMatchRevision } from "./ConditionalRequest.ts"
import { fromOwnMachine } from "./OwnMachine.ts"
import { invalid, refuse } from "./Refusal.ts"
import { commandRefusal, submitRaw } from "./Submission.ts"

const view = ({ chosen, revision, updatedAt }: StoredSettings): Settings => ({
  ...effectiveSettings(chosen),
  chosen: chosenNames(chosen),
  updated_at: updatedAt,
  revision
})

/** Refuses lists of addresses, when the change sets one, that shut out who is in. */
const refuseShutOut = Effect.fnUntraced(function* (patch: SettingsPatch, { chosen }: StoredSettings) {
  const { network } = patch
  if (network === undefined || network === null) return
  const after = effectiveSettings(patchedSettings(chosen, patch)).network
  const request = yield* HttpServerRequest.HttpServerRequest
  const reads = yield* Reads
  const agents = network.agent_allowlist === undefined ? [] : yield* reads.all("agent")
  const details = shutOut(after, {
    asker:
      network.api_allowlist === undefined || fromOwnMachine(request) ? null : Option.getOrNull(request.remoteAddress),
    agents: agents.flatMap(({ ip_address, name }) => (ip_address === null ? [] : [{ name, address: ip_address }]))
  })
  if (details.length > 0) return yield* Effect.fail(invalid(details))
})

const stale = (current: number) =>
  refuse(
    "PRECONDITION_FAILED",
    `The settings have changed: they are at revision ${current}. Read them again and repeat the change`
  )

/** With `ifMatch` at that revision or not at all; without, again on what another master wrote in between, a few times. */
const save = Effect.fnUntraced(function* (patch: SettingsPatch, ifMatch: number | null, isForced: boolean) {
  const reads = yield* Reads
  for (let attempt = 1; ; attempt++) {
    const stored = yield* reads.settings
    if (ifMatch !== null && ifMatch !== stored.revision) return yield* Effect.fail(stale(stored.revision))
    if (!isForced) yield* refuseShutOut(patch, stored)
    const outcome = yield* Effect.result(
      submitRaw({ _tag: "SaveSettings", if_match: stored.revision, chosen: patchedSettings(stored.chosen, patch) })
    )
    if (outcome._tag === "Success") return outcome.success
    const error = outcome.failure
    const isOvertaken = error._tag === "CommandRejected" && error.rejection.code === "PRECONDITION_FAILED"
    if (!isOvertaken || ifMatch !== null || attempt >= Limits.api.patchAttemptsMax) {
      return yield* Effect.fail(commandRefusal(error))
    }
  }
})

export const layerSettings = HttpApiBuilder.group(
  NxMeshApi,
  "settings",
  Effect.fnUntraced(function* (handlers) {
    const reads = yield* Reads
    const { inTurn } = yield* ChangeTurns
    return handlers.handleAll({
      get: Effect.fn("settings.get")(function* ({ headers }) {
        yield* requireAllowed("cluster:read", installation)
        const index = yield* reads.appliedIndex
        return yield* answerUnlessKnown(view(yield* reads.settings), index, headers["if-none-match"])
      }),
      change: Effect.fn("settings.change")(function* ({ headers, payload, query }) {
        yield* requireAllowed("cluster:write", installation)
        const accepted = yield* save(payload, ifMatchRevision(headers["if-match"]), query.force === "true").pipe(
          inTurn("settings")
        )
        return yield* answerOne(view(accepted.value as StoredSettings), accepted.index)
      })
    })
  })
)
