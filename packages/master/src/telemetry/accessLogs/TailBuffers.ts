/** Lines that tails wait for, each tail with its own condition and bound. What no tail wants is not even decoded. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { LogLine } from "@nxmesh/protocol/link/Report"
import type { AccessLogRow } from "@nxmesh/protocol/model/AccessLogRow"
import { Limits } from "../../Limits.ts"
import { type AccessLogConditions, matches } from "./AccessLogFilter.ts"
import { rowOf } from "./AccessLogPageSql.ts"
import { columnsOf } from "./AccessLogTable.ts"
import type { AddressPrivacy } from "./ClientAddress.ts"

export interface Drained {
  readonly rows: ReadonlyArray<AccessLogRow>
  /** Lines that there was no room for since the last time. */
  readonly dropped: number
}

export class TailBuffer {
  conditions: AccessLogConditions
  private rows: Array<AccessLogRow> = []
  private dropped = 0

  constructor(conditions: AccessLogConditions) {
    this.conditions = conditions
  }

  add(rows: ReadonlyArray<AccessLogRow>, dropped = 0): void {
    const room = Math.max(0, Limits.accessLogs.tailLinesMax - this.rows.length)
    this.rows.push(...rows.slice(0, room))
    this.dropped += dropped + Math.max(0, rows.length - room)
  }

  drain(): Drained {
    const drained = { rows: this.rows, dropped: this.dropped }
    this.rows = []
    this.dropped = 0
    return drained
  }
}

/** A line as a tail shows it. Its id is its time: from there on a page goes back. */
const rowOfLine = (agentId: AgentId, line: LogLine, privacy: AddressPrivacy) => {
  const columns = columnsOf(line, privacy)
  const { row } = rowOf({ ...columns, agent_id: agentId, at: Date.parse(line.timestamp), id: 0 }, "")
  return { columns, row }
}

export const offerLines = (
  buffers: ReadonlyArray<TailBuffer>,
  agentId: AgentId,
  lines: ReadonlyArray<LogLine>,
  privacy: AddressPrivacy
): void => {
  for (const line of lines) {
    if (line.source !== "access") continue
    const { columns, row } = rowOfLine(agentId, line, privacy)
    for (const buffer of buffers) if (matches(buffer.conditions, { agentId, columns })) buffer.add([row])
  }
}
