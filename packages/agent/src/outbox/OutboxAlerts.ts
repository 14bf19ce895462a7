/** What an operator should hear of the outbox. Pure. */
import type { Alert } from "@nxmesh/protocol/model/Health"
import * as Counts from "./Counts.ts"

export interface OutboxTrouble {
  /** Why nothing can be kept now; `null`: it can. */
  readonly problem: string | null
  /** It has been full since it was empty last. */
  readonly isDropping: boolean
  /** Since it began. */
  readonly dropped: Counts.Counts
}

export const outboxAlerts = ({ dropped, isDropping, problem }: OutboxTrouble): ReadonlyArray<Alert> => [
  ...(problem === null
    ? []
    : [
        {
          severity: "warning" as const,
          code: "outbox_problem",
          message: `reports cannot be kept for the masters: ${problem}`.slice(0, 1_024)
        }
      ]),
  ...(isDropping
    ? [
        {
          severity: "warning" as const,
          code: "outbox_dropped",
          message: `the outbox is full and drops the oldest reports, ${Counts.total(dropped)} so far: see why masters take none, or raise NXMESH_OUTBOX_MAX_MB`
        }
      ]
    : [])
]
