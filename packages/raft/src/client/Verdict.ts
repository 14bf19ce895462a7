/** What a failed attempt means for a call: a pure decision. */
import type { Failure } from "../transport/Call.ts"

/** How a call of a client ended without a result: what a node said, or what the client says itself. */
export type CallFailure =
  | Failure
  /** A node answered another question: it is broken. */
  | { readonly _tag: "Unknown"; readonly reason: "WrongAnswer" }
  | {
      readonly _tag: "Refused"
      /** No node answered in time; too many calls wait already; the client was closed. */
      readonly reason: "Unreachable" | "TooManyCalls" | "Closed"
      readonly leader: null
    }

/** How much is known about the attempts so far. */
export interface Attempts {
  /** One of them may have been carried out, or may still be. */
  readonly mayHaveHappened: boolean
  /** Whether carrying it out again is harmless: commands of a session, and reads. */
  readonly isRepeatable: boolean
}

export type Verdict =
  /** Ask again after a moment: it may pass. */
  | { readonly _tag: "Retry" }
  /** The session is gone and the command was not executed: it may begin again in another session. */
  | { readonly _tag: "Renew" }
  | { readonly _tag: "Fail"; readonly failure: Failure }

/** Refusals that say nothing about the call itself: another node, or this one a little later, may take it. */
const passing: ReadonlySet<Failure["reason"]> = new Set<Failure["reason"]>([
  "NotLeader",
  "LeadershipLost",
  "TransferInProgress",
  "ConfigurationBeforeTermCommit",
  "TooManyAnswers",
  "Stopped"
])

const retry: Verdict = { _tag: "Retry" }

/** `attempts`: with the one that `failure` answers. */
export const verdictOn = (failure: Failure, { isRepeatable, mayHaveHappened }: Attempts): Verdict => {
  if (failure.reason === "SessionExpired") {
    if (failure._tag === "Refused" && !mayHaveHappened) return { _tag: "Renew" }
    return { _tag: "Fail", failure: { _tag: "Unknown", reason: "SessionExpired" } }
  }
  if (failure._tag === "Unknown") return isRepeatable ? retry : { _tag: "Fail", failure }
  // Too much for now, or wrong. But if an earlier attempt may have been taken, only its answer tells.
  return mayHaveHappened || passing.has(failure.reason) ? retry : { _tag: "Fail", failure }
}
