/** What goes to a master at once. Pure. */
import type { OutboxBatch } from "@nxmesh/protocol/link/OutboxBatch"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import { Limits } from "../Limits.ts"
import * as Counts from "./Counts.ts"
import type { OutboxLine } from "./OutboxLine.ts"
import type { OutboxState } from "./OutboxState.ts"

/** The oldest of these lines that no master has, as many as fit; `null` when there are none. The first always fits. */
export const batchOf = (
  { acknowledged, dropped, outbox_id }: OutboxState,
  lines: ReadonlyArray<OutboxLine>
): OutboxBatch | null => {
  const entries: Array<OutboxBatch["entries"][number]> = []
  let characters = 0
  for (const { kind, report, sequence } of lines) {
    if (sequence <= acknowledged) continue
    characters += report.length
    const isFull = entries.length >= WireLimits.outboxEntriesPerBatchMax || characters > Limits.outboxBatchCharactersMax
    if (entries.length > 0 && isFull) break
    entries.push({ sequence, kind, report })
  }
  return entries.length === 0 ? null : { outbox_id, dropped: Counts.total(dropped), entries }
}
