/**
 * How often files are put back when someone or something changes them again and again: pure. The first few times at once, then
 * after waits that double, so that the agent and a configuration-management tool do not fight.
 */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

export interface Reverts {
  /** In a row, without a quiet time in between. */
  readonly count: number
  /** Milliseconds of a clock that never goes back. */
  readonly lastMillis: number
}

export const noReverts: Reverts = { count: 0, lastMillis: 0 }

const waitMillis = (count: number): number =>
  count < Limits.revertsAtOnceMax
    ? 0
    : Math.min(
        Duration.toMillis(Limits.revertWaitMax),
        Duration.toMillis(Limits.revertWait) * 2 ** Math.min(count - Limits.revertsAtOnceMax, 32)
      )

const isQuiet = ({ lastMillis }: Reverts, nowMillis: number): boolean =>
  nowMillis - lastMillis >= Duration.toMillis(Limits.revertQuiet)

/** The reverts with one more, or `null` while it is too soon. */
export const spend = (reverts: Reverts, nowMillis: number): Reverts | null => {
  if (reverts.count === 0 || isQuiet(reverts, nowMillis)) return { count: 1, lastMillis: nowMillis }
  if (nowMillis - reverts.lastMillis < waitMillis(reverts.count)) return null
  return { count: reverts.count + 1, lastMillis: nowMillis }
}
