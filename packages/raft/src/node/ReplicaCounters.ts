/** What happened since the node started. */
import { entryBytes } from "../core/Log.ts"
import type { Append, Ready } from "../core/Ready.ts"
import type { State } from "../core/State.ts"

export class ReplicaCounters {
  elections = 0
  leaderChanges = 0
  messagesSent = 0
  messagesReceived = 0
  appends = 0
  appendedBytes = 0
  flushes = 0
  handovers = 0

  observe(before: State, after: State, { soft }: Ready): void {
    if (soft === null) return
    if (after.role === "Candidate" && (before.role !== "Candidate" || after.term > before.term)) this.elections++
    if (after.leader !== null && after.leader !== before.leader) this.leaderChanges++
  }

  append({ entries }: Append): void {
    this.appends++
    for (const entry of entries) this.appendedBytes += entryBytes(entry)
  }
}
