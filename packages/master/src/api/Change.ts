/** Changing one resource: read, merge, check the whole, submit at the revision that was read. */
import type { Command } from "@nxmesh/protocol/Command"
import type { ApiError } from "@nxmesh/protocol/Errors"
import type { Permission } from "@nxmesh/protocol/model/Permission"
import { Effect } from "effect"
import { requireAllowed } from "../auth/AccessChecks.ts"
import { Limits } from "../Limits.ts"
import type { Kind, ResourceOf } from "../state/Kinds.ts"
import { kindWords } from "../state/KindWords.ts"
import { Reads } from "../state/Reads.ts"
import { readPermissions, writePermission } from "../state/ResourceScope.ts"
import { ChangeTurns } from "./ChangeTurns.ts"
import { notFound, refuse } from "./Refusal.ts"
import { commandRefusal, submitRaw } from "./Submission.ts"

/** The resource, or the refusal that it is not there, not to be seen, or not to be treated so by whoever asks. */
export const existing = Effect.fnUntraced(function* <K extends Kind>(
  kind: K,
  id: string,
  permission: Permission = readPermissions[kind]
) {
  const reads = yield* Reads
  const found = yield* reads.get(kind, id)
  if (found === undefined) return yield* Effect.fail(notFound(kindWords[kind], id))
  const scope = yield* reads.scopeOfResource(kind, found)
  yield* requireAllowed(permission, scope, { what: kindWords[kind], id }, readPermissions[kind])
  return found
})

const changed = (kind: Kind, current: number): ApiError =>
  refuse(
    "PRECONDITION_FAILED",
    `The ${kindWords[kind]} has changed: it is at revision ${current}. Read it again and repeat the change`
  )

interface ChangeRequest<K extends Kind, R> {
  readonly kind: K
  readonly id: string
  readonly ifMatch: number | null
  readonly command: (current: ResourceOf<K>) => Effect.Effect<Command, ApiError, R>
}

/**
 * `command` makes the complete command from the resource as it is. With `ifMatch` the change is made at that revision
 * or not at all; without, it waits its turn, and is made again on what another master wrote in between, a few times.
 */
export const changeResource = Effect.fnUntraced(function* <K extends Kind, R>(request: ChangeRequest<K, R>) {
  if (request.ifMatch !== null) return yield* attempts(request)
  const { inTurn } = yield* ChangeTurns
  return yield* attempts(request).pipe(inTurn(`${request.kind}/${request.id}`))
})

const overtaken = (kind: Kind): ApiError =>
  refuse("CONFLICT", `Others keep changing the ${kindWords[kind]}: nothing was changed; try again`)

const attempts = Effect.fnUntraced(function* <K extends Kind, R>(request: ChangeRequest<K, R>) {
  const { id, ifMatch, kind } = request
  for (let attempt = 1; ; attempt++) {
    const current: ResourceOf<K> = yield* existing(kind, id, writePermission(kind))
    if (ifMatch !== null && ifMatch !== current.revision) return yield* Effect.fail(changed(kind, current.revision))
    const command = yield* request.command(current)
    const outcome = yield* Effect.result(submitRaw(command))
    if (outcome._tag === "Success") return outcome.success
    const error = outcome.failure
    const isOvertaken = error._tag === "CommandRejected" && error.rejection.code === "PRECONDITION_FAILED"
    if (!isOvertaken || ifMatch !== null) return yield* Effect.fail(commandRefusal(error))
    if (attempt >= Limits.api.patchAttemptsMax) return yield* Effect.fail(overtaken(kind))
  }
})
