/**
 * How often an agent's nginx may reload. Each reload ends long-lived connections once its workers drain, so changes
 * that come sooner wait, and the newest replaces what waits. The first change after a pause waits for nothing.
 */

export interface ReloadBudget {
  /** Least milliseconds between two reloads; 0 means no wait. */
  readonly intervalMillis: number
  /** When nginx was last reloaded, in the clock's milliseconds; `null` when it was not since the agent started. */
  readonly lastReloadMillis: number | null
}

/** Milliseconds that the next reload has to wait. A clock that was set back never makes it wait longer than the interval. */
export const waitMillis = (budget: ReloadBudget, nowMillis: number): number => {
  if (budget.lastReloadMillis === null) return 0
  const passed = Math.max(0, nowMillis - budget.lastReloadMillis)
  return Math.max(0, budget.intervalMillis - passed)
}
