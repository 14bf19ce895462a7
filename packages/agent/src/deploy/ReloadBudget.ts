/**
 * How often an agent's nginx may reload. Each reload ends long-lived connections once its workers drain, so changes
 * that come sooner wait, and the newest replaces what waits. The first change after a pause waits for nothing.
 */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

export interface ReloadBudget {
  /** Least milliseconds between two reloads; 0 means no wait. */
  readonly intervalMillis: number
  /** When nginx was last reloaded, in the clock's milliseconds; `null` when it was not since the agent started. */
  readonly lastReloadMillis: number | null
}

/**
 * The interval that holds while so many workers of earlier configurations drain. Each holds its memory and its connections
 * until its last client goes, so past a bound reloads come slower and changes merge; they never stop.
 */
export const intervalMillis = (wantedMillis: number, drainingWorkers: number): number =>
  drainingWorkers > Limits.drainingWorkersMax
    ? Math.max(wantedMillis, Duration.toMillis(Limits.drainingReloadInterval))
    : wantedMillis

/** Milliseconds that the next reload has to wait. A clock that was set back never makes it wait longer than the interval. */
export const waitMillis = (budget: ReloadBudget, nowMillis: number): number => {
  if (budget.lastReloadMillis === null) return 0
  const passed = Math.max(0, nowMillis - budget.lastReloadMillis)
  return Math.max(0, budget.intervalMillis - passed)
}
