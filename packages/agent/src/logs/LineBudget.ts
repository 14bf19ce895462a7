/** How many lines may be shipped: so many a second, and a burst of some. Pure. */

export interface LineBudget {
  readonly lines: number
  readonly atMillis: number
}

export interface LineRate {
  readonly perSecond: number
  readonly burst: number
}

/** What of `wanted` lines may go. A clock that jumps back gives nothing, and takes nothing away. */
export const take = (
  budget: LineBudget,
  { burst, perSecond }: LineRate,
  wanted: number,
  nowMillis: number
): { readonly taken: number; readonly budget: LineBudget } => {
  const elapsed = Math.max(0, nowMillis - budget.atMillis)
  const available = Math.min(burst, budget.lines + (elapsed * perSecond) / 1_000)
  const taken = Math.min(wanted, Math.floor(available))
  return { taken, budget: { lines: available - taken, atMillis: nowMillis } }
}
