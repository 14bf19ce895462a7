/** Gives a backup away: on the record, one at a time, and not to a client that has stopped taking it. */
import { CurrentUser } from "@nxmesh/protocol/api/Authentication"
import { principalName } from "@nxmesh/protocol/Principal"
import { versionProblem } from "@nxmesh/protocol/ClusterVersion"
import type { Command } from "@nxmesh/protocol/Command"
import { type Duration, Effect, Schedule, Stream } from "effect"
import { HttpServerRequest } from "effect/http"
import type { IncomingMessage } from "node:http"
import { type BackupRefused, Backups } from "../backup/Backups.ts"
import { Commands } from "../command/Commands.ts"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"
import { refuse } from "./Refusal.ts"
import { answerHeaders, indexHeader } from "./ResponseHeaders.ts"
import { commandRefusal, currentPrincipal, remoteAddress } from "./Submission.ts"

/**
 * In the audit, before the copy is made. Why it is in this master's log alone, when it is: a cluster of version 1 knows no
 * such command, and without a leader nothing can be recorded, yet a backup may be what the operator needs then.
 */
const record = Effect.gen(function* () {
  const { nodeId } = yield* NodeIdentity
  const state = yield* (yield* Reads).clusterState
  const command: Command = { _tag: "RecordBackup", master_id: nodeId }
  const tooOld = versionProblem(command, state?.clusterVersion ?? 1)
  if (tooOld !== null) return tooOld
  const request = { principal: yield* currentPrincipal, command, remoteAddress: yield* remoteAddress }
  return yield* (yield* Commands).submit(request).pipe(
    Effect.as(null),
    Effect.catchTag("CommandError", ({ message }) => Effect.succeed(message)),
    Effect.mapError(commandRefusal)
  )
})

const announce = Effect.gen(function* () {
  const unrecorded = yield* record
  const { principal } = yield* CurrentUser
  const told = { principal: principalName(principal), remote_address: yield* remoteAddress }
  yield* unrecorded === null
    ? Effect.logInfo("a backup is given away", told)
    : Effect.logWarning("a backup is given away, of which the audit does not tell", { ...told, why: unrecorded })
})

const refusalOf = ({ message, reason }: BackupRefused) =>
  Effect.gen(function* () {
    yield* answerHeaders({ "retry-after": String(Limits.api.backupRetrySeconds) })
    return yield* Effect.fail(refuse(reason === "Busy" ? "TOO_MANY_REQUESTS" : "UNAVAILABLE", message))
  })

/** Runs `cut` when nothing of the content was taken for a whole interval; until the scope ends. */
export const cutWhenStalled = Effect.fnUntraced(function* <E>(
  content: Stream.Stream<Uint8Array, E>,
  interval: Duration.Duration,
  cut: Effect.Effect<void>
) {
  let taken = 0
  let seen = 0
  const look = Effect.suspend(() => {
    if (taken === seen) return cut
    seen = taken
    return Effect.void
  })
  yield* look.pipe(Effect.delay(interval), Effect.repeat(Schedule.forever), Effect.forkScoped)
  return Stream.tap(content, ({ length }) => Effect.sync(() => void (taken += length)))
})

export const giveBackup = Effect.fn("cluster.backup")(function* (backups: Backups["Service"]) {
  const request = yield* HttpServerRequest.HttpServerRequest
  const { content, header } = yield* backups.take(announce).pipe(Effect.catchTag("BackupRefused", refusalOf))
  const { socket } = request.source as Partial<IncomingMessage>
  yield* answerHeaders({
    "content-disposition": `attachment; filename="nxmesh-${header.index}.backup"`,
    "cache-control": "no-store",
    ...indexHeader(header.index)
  })
  const cut = Effect.logWarning("a client stopped taking a backup, and is cut off").pipe(
    Effect.andThen(Effect.sync(() => void socket?.destroy()))
  )
  return yield* cutWhenStalled(content, Limits.backup.stalledMax, cut)
})
