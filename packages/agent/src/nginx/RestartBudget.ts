/** How often the watchdog starts an nginx that keeps dying: pure. */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

/** Starts within the window, oldest first, in the clock's milliseconds. */
export type Restarts = ReadonlyArray<number>

const recent = (restarts: Restarts, nowMillis: number): Restarts =>
  restarts.filter((at) => nowMillis - at < Duration.toMillis(Limits.restartWindow))

/** The restarts with one more, or `null` when the budget is spent until the window passes. */
export const spend = (restarts: Restarts, nowMillis: number): Restarts | null => {
  const counted = recent(restarts, nowMillis)
  return counted.length >= Limits.restartsMax ? null : [...counted, nowMillis]
}
