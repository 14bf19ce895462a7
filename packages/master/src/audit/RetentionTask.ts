/** The leader's task that forgets entries of the audit which are older than the settings say, and which an export keeps (rule 4). */
import type { Principal } from "@nxmesh/protocol/Principal"
import { Clock, DateTime, Effect, Schedule } from "effect"
import { type Leadership, leaderTask } from "../cluster/LeaderTasks.ts"
import { Limits } from "../Limits.ts"
import { InstallationSettings } from "../settings/InstallationSettings.ts"
import { Database } from "../state/Database.ts"
import { auditMarks, retentionCut } from "../state/ReadAudit.ts"

const retention: Principal = { _tag: "System", component: "audit_retention" }
const dayMillis = 86_400_000

const cutSome = Effect.fnUntraced(function* ({ submit }: Leadership, retentionDays: number) {
  const { reader } = yield* Database
  const oldest = (yield* Clock.currentTimeMillis) - retentionDays * dayMillis
  const { exported } = auditMarks(reader)
  const through = retentionCut(reader, DateTime.formatIso(DateTime.makeUnsafe(oldest)), Limits.audit.cutRowsMax)
  if (through === null) return false
  yield* submit({ principal: retention, command: { _tag: "CutAudit", through, exported } })
  return true
})

const look = Effect.fnUntraced(function* (leadership: Leadership) {
  const { audit } = yield* (yield* InstallationSettings).current
  if (audit.retention_days === null) return
  while (yield* cutSome(leadership, audit.retention_days)) yield* Effect.yieldNow
})

const watch = (leadership: Leadership) =>
  look(leadership).pipe(
    Effect.catch((error) => Effect.logWarning(`old entries of the audit are kept for now: ${error.message}`)),
    Effect.repeat(Schedule.spaced(Limits.audit.retentionInterval)),
    Effect.asVoid
  )

export const layerAuditRetention = leaderTask({ name: "audit_retention", run: watch })
