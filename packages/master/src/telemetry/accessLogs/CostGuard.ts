/** What to say of a question that would look at too many lines. Pure. */
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { isoOf } from "./AccessLogPageSql.ts"
import type { TimeRange } from "./AccessLogFilter.ts"
import type { Walk } from "./FilterSql.ts"

/** Names and values in JSON, as other masters tell it. */
export interface TooMuch {
  readonly by: Walk["by"]
  /** Of the line behind the newest ones that may be looked at. */
  readonly atMillis: number
}

const narrower: Readonly<Record<Walk["by"], string>> = {
  time: "name an agent_id, a host, a request_id, or status_gte=500",
  failed: "name an agent_id, a host or a request_id",
  host: "name an agent_id or a request_id",
  agent_id: "name a request_id",
  request_id: "ask for less time"
}

/** The one that can answer least says from when on all can. */
export const tooMuchOf = (all: ReadonlyArray<TooMuch>): TooMuch | null =>
  all.reduce<TooMuch | null>((worst, one) => (worst === null || one.atMillis > worst.atMillis ? one : worst), null)

/**
 * What to narrow. Whoever asks from just behind that line on gets an answer, so it is named; where all lines are of one
 * moment, only another condition helps.
 */
export const whatToNarrow = (
  { atMillis, by }: TooMuch,
  { fromMillis, toMillis }: TimeRange,
  linesMax: number
): { readonly message: string; readonly details: ReadonlyArray<ErrorDetail> } => {
  const enough = atMillis + 1
  const lines = linesMax.toLocaleString("en")
  return {
    message: `The question would look at more than ${lines} lines: narrow its time, or ${narrower[by]}`,
    details:
      enough < toMillis && enough > fromMillis
        ? [{ field: "from", message: `from ${isoOf(enough)} on there are ${lines} lines at most` }]
        : []
  }
}
