/** What happened since the node started. */
import { entryBytes } from "../core/Log.ts"
import type { Append, Ready } from "../core/Ready.ts"
import type { State } from "../core/State.ts"
import type { Counters } from "./Status.ts"

type Counted =
  | "elections"
  | "leaderChanges"
  | "messagesSent"
  | "messagesReceived"
  | "appends"
  | "appendedBytes"
  | "flushes"
  | "flushSeconds"

export class ReplicaCounters {
  readonly values: Record<Counted, number> = {
    elections: 0,
    leaderChanges: 0,
    messagesSent: 0,
    messagesReceived: 0,
    appends: 0,
    appendedBytes: 0,
    flushes: 0,
    flushSeconds: 0
  } satisfies Pick<Counters, Counted>

  observe(before: State, after: State, { soft }: Ready): void {
    if (soft === null) return
    if (after.role === "Candidate" && (before.role !== "Candidate" || after.term > before.term)) this.values.elections++
    if (after.leader !== null && after.leader !== before.leader) this.values.leaderChanges++
  }

  append({ entries }: Append): void {
    this.values.appends++
    for (const entry of entries) this.values.appendedBytes += entryBytes(entry)
  }
}
