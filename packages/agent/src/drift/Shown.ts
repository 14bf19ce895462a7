/** How long drift is told of: until all has been well for a while. Pure. */
import type { Drift } from "@nxmesh/protocol/model/Drift"

export interface Shown {
  readonly drift: Drift
  /** Of the findings: the same again are not told again. */
  readonly signature: string
  /** Since when all is well, by a clock that never goes back; `null` while it is not. */
  readonly wellSinceMillis: number | null
}

/** After a look that found nothing. */
export const afterWell = (shown: Shown | null, nowMillis: number, shownForMillis: number): Shown | null => {
  if (shown === null) return null
  const wellSinceMillis = shown.wellSinceMillis ?? nowMillis
  return nowMillis - wellSinceMillis >= shownForMillis ? null : { ...shown, wellSinceMillis }
}

/** After another generation settled: what it replaced is history, but for what the agent did about it. */
export const afterSettled = (shown: Shown | null): Shown | null => (shown?.drift.response === "reverted" ? shown : null)
