/**
 * Proposals that were handed to the core, in batches: each has a context of its own, and remembers under which leader and
 * term it was made. When another leads, its entries may be lost, and so its proposals are tried again.
 */
import type { Context, NodeId, Term } from "../core/Types.ts"
import type { Proposal } from "./Proposal.ts"
import { answerTicks } from "./RetryPolicy.ts"

/** Who leads, as far as this node knows. */
export interface Leadership {
  readonly leader: NodeId | null
  readonly term: Term
}

export interface Attempt {
  readonly context: Context
  readonly proposals: ReadonlyArray<Proposal>
  readonly leadership: Leadership
  readonly sentAtTick: number
  /** The leader has appended it. */
  isAccepted: boolean
  /** Proposals whose entry has not come yet. */
  open: number
}

export class Attempts {
  private readonly byContext = new Map<Context, Attempt>()

  begin(context: Context, proposals: ReadonlyArray<Proposal>, leadership: Leadership, tick: number): void {
    const attempt = { context, proposals, leadership, sentAtTick: tick, isAccepted: false, open: proposals.length }
    this.byContext.set(context, attempt)
    for (const proposal of proposals) {
      proposal.attempts++
      proposal.uncertain++
      proposal.attempt = attempt
    }
  }

  accepted(context: Context): boolean {
    const attempt = this.byContext.get(context)
    if (attempt !== undefined) attempt.isAccepted = true
    return attempt !== undefined
  }

  /** Nothing of it was appended. Returns what still waits; nothing when the attempt was given up before. */
  refused(context: Context): ReadonlyArray<Proposal> {
    const attempt = this.byContext.get(context)
    if (attempt === undefined) return []
    for (const proposal of attempt.proposals) proposal.uncertain--
    return this.giveUp(attempt)
  }

  /** Its entry came, or nobody waits for it any more. */
  settle(proposal: Proposal): void {
    const { attempt } = proposal
    if (attempt === null) return
    proposal.attempt = null
    if (--attempt.open === 0) this.byContext.delete(attempt.context)
  }

  /** What was handed to a leader that leads no more. */
  underOthers({ leader, term }: Leadership): ReadonlyArray<Proposal> {
    return this.giveUpWhere(({ leadership }) => leadership.leader !== leader || leadership.term !== term)
  }

  /** What was forwarded, and not answered in time. */
  unanswered(tick: number, electionTicks: number): ReadonlyArray<Proposal> {
    return this.giveUpWhere(({ isAccepted, proposals, sentAtTick }) => {
      if (isAccepted) return false
      const attempts = proposals[0]?.attempts ?? 1
      return tick - sentAtTick >= answerTicks(electionTicks, attempts)
    })
  }

  all(): ReadonlyArray<Proposal> {
    return this.giveUpWhere(() => true)
  }

  private giveUpWhere(isLost: (attempt: Attempt) => boolean): ReadonlyArray<Proposal> {
    const lost: Array<Proposal> = []
    for (const attempt of this.byContext.values()) {
      if (isLost(attempt)) for (const proposal of this.giveUp(attempt)) lost.push(proposal)
    }
    return lost
  }

  private giveUp(attempt: Attempt): ReadonlyArray<Proposal> {
    this.byContext.delete(attempt.context)
    const waiting = attempt.proposals.filter((proposal) => proposal.attempt === attempt)
    for (const proposal of waiting) proposal.attempt = null
    return waiting
  }
}
