/** What an operator hears of a master that takes no agents. Pure. */
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

export interface Heard {
  /** This master has taken agents since its start. */
  readonly hasBeenOpen: boolean
  /** When the problem began; `null`: there is none. Milliseconds since 1970. */
  readonly sinceMillis: number | null
  readonly isTold: boolean
}

export const nothingHeard: Heard = { hasBeenOpen: false, sinceMillis: null, isTold: false }

export type AcceptanceNews = "SentAway" | "NotYet" | "TakenAgain"

/** Every start begins with a state that has not caught up, which is news only when it stays so. */
export const newsOf = (
  before: Heard,
  problem: string | null,
  nowMillis: number
): { readonly heard: Heard; readonly news: AcceptanceNews | null } => {
  if (problem === null) {
    return {
      heard: { hasBeenOpen: true, sinceMillis: null, isTold: false },
      news: before.isTold ? "TakenAgain" : null
    }
  }
  const sinceMillis = before.sinceMillis ?? nowMillis
  const isLong = nowMillis - sinceMillis >= Duration.toMillis(Limits.agents.acceptanceWarning)
  const isNews = !before.isTold && (before.hasBeenOpen || isLong)
  return {
    heard: { ...before, sinceMillis, isTold: before.isTold || isNews },
    news: isNews ? (before.hasBeenOpen ? "SentAway" : "NotYet") : null
  }
}
