/**
 * What must hold whatever happens (thesis figure 3.2), over the states of all nodes of a cluster and what was seen of
 * them before. For tests and simulation: it is told everything, which no node is.
 *
 * - Election safety: one leader in a term.
 * - Log matching: entries of the same index and term are the same, and so is everything before them.
 * - Leader completeness: what was committed is in the log of every later leader.
 * - State machine safety: no two nodes commit different entries at an index.
 * - A node's term and commit index never go back, except by a crash: then what was promised is what was durable.
 * - A vote, a candidacy and an acknowledgement are durable before they are sent.
 */
import { entryAt, lastIndex, termAt } from "./Log.ts"
import type { Log } from "./Log.ts"
import type { Message } from "./Message.ts"
import type { State } from "./State.ts"
import type { Entry, HardState, Index, NodeId, Term } from "./Types.ts"

/** What a node would find after a crash. */
export interface DurableState {
  readonly hardState: HardState
  readonly lastIndex: Index
}

const isSameData = (a: Uint8Array, b: Uint8Array): boolean =>
  a === b || (a.length === b.length && a.every((byte, position) => byte === b[position]))

export const isSameEntry = (a: Entry, b: Entry): boolean => {
  if (a === b) return true
  if (a.index !== b.index || a.term !== b.term || a.kind !== b.kind) return false
  if (a.kind === "Command" && b.kind === "Command") return isSameData(a.data, b.data)
  if (a.kind !== "Configuration" || b.kind !== "Configuration") return true
  return JSON.stringify(a.configuration) === JSON.stringify(b.configuration)
}

/** The first index at which two logs break the log matching property; `null`: they keep it. */
export const logMismatch = (a: Log, b: Log): Index | null => {
  const base = Math.max(a.baseIndex, b.baseIndex)
  let agrees = false
  for (let index = Math.min(lastIndex(a), lastIndex(b)); index > base; index--) {
    const [left, right] = [entryAt(a, index), entryAt(b, index)]
    if (left === null || right === null) continue
    if (left.term === right.term) agrees = true
    if (agrees && !isSameEntry(left, right)) return index
  }
  return agrees && termAt(a, base) !== termAt(b, base) ? base : null
}

interface Seen {
  readonly term: Term
  readonly commit: Index
  readonly log: Log
  readonly checked: Index
}

/** What was seen of a cluster so far. Grows with the committed log: made for runs that end. */
export class History {
  private readonly leaders = new Map<Term, NodeId>()
  private readonly committed = new Map<Index, Entry>()
  /** The term in which an entry was first seen committed. */
  private readonly committedIn = new Map<Index, Term>()
  private readonly committedTerms = new Map<Index, Term>()
  private readonly seen = new Map<NodeId, Seen>()
  private commit: Index = 0

  /** The highest index that any node has committed. */
  get committedIndex(): Index {
    return this.commit
  }

  /** What was committed at an index, if any node still had it in its log when it learnt so. */
  entryAt(index: Index): Entry | null {
    return this.committed.get(index) ?? null
  }

  /** Tells of a crash: the commit index is a hint, and a term that was not durable is forgotten. */
  restarted(id: NodeId): void {
    const seen = this.seen.get(id)
    if (seen !== undefined) this.seen.set(id, { ...seen, term: 0, commit: 0, checked: 0 })
  }

  /** Looks at nodes after a step; all of them, or those that changed. Each violation is a sentence. */
  observe(states: ReadonlyArray<State>): ReadonlyArray<string> {
    const changed = states.filter((state) => {
      const seen = this.seen.get(state.id)
      return (
        seen?.log !== state.log || seen.term !== state.term || seen.commit !== state.commit || state.role === "Leader"
      )
    })
    return changed.flatMap((state) => {
      const violations = [
        ...this.electionSafety(state),
        ...this.neverBack(state),
        ...this.stateMachineSafety(state),
        ...this.leaderCompleteness(state)
      ]
      this.remember(state)
      return violations
    })
  }

  private remember(state: State): void {
    const { id, term, commit, log } = state
    this.seen.set(id, { term, commit, log, checked: commit })
  }

  private electionSafety({ id, term, role }: State): ReadonlyArray<string> {
    if (role !== "Leader") return []
    const leader = this.leaders.get(term) ?? id
    this.leaders.set(term, leader)
    return leader === id ? [] : [`election safety: ${leader} and ${id} both lead term ${term}`]
  }

  private neverBack({ id, term, commit, log, persisted, delivered, applied }: State): ReadonlyArray<string> {
    const seen = this.seen.get(id)
    const violations: Array<string> = []
    if (seen !== undefined && term < seen.term) violations.push(`${id} went back from term ${seen.term} to ${term}`)
    if (seen !== undefined && commit < seen.commit)
      violations.push(`${id} went back from commit ${seen.commit} to ${commit}`)
    if (commit > lastIndex(log)) violations.push(`${id} committed ${commit}, past its log's end ${lastIndex(log)}`)
    if (delivered > Math.min(commit, persisted)) violations.push(`${id} applies ${delivered} before it may`)
    if (applied > delivered) violations.push(`${id} applied ${applied}, was given ${delivered}`)
    return violations
  }

  private stateMachineSafety({ id, term, commit, log }: State): ReadonlyArray<string> {
    const violations: Array<string> = []
    const from = Math.max(this.seen.get(id)?.checked ?? 0, log.baseIndex)
    for (let index = from + 1; index <= commit; index++) {
      const entry = entryAt(log, index)
      if (entry === null) continue
      const known = this.committed.get(index)
      if (known === undefined) {
        this.committed.set(index, entry)
        this.committedIn.set(index, term)
      } else if (!isSameEntry(known, entry)) {
        violations.push(`state machine safety: ${id} committed another entry at ${index}, of term ${entry.term}`)
      }
    }
    const baseTerm = this.committedTerms.get(log.baseIndex) ?? this.committed.get(log.baseIndex)?.term ?? log.baseTerm
    this.committedTerms.set(log.baseIndex, baseTerm)
    if (baseTerm !== log.baseTerm) violations.push(`state machine safety: ${id} has another base at ${log.baseIndex}`)
    this.commit = Math.max(this.commit, commit)
    return violations
  }

  /** What was committed in a later term need not be in the log of a leader that does not know its time is over. */
  private leaderCompleteness({ id, term, role, log }: State): ReadonlyArray<string> {
    if (role !== "Leader" || this.seen.get(id)?.log === log) return []
    for (let index = this.commit; index > log.baseIndex; index--) {
      const known = this.committed.get(index)
      if (known === undefined || (this.committedIn.get(index) ?? 0) > term) continue
      const entry = entryAt(log, index)
      if (entry === null || !isSameEntry(entry, known)) {
        return [`leader completeness: ${id} leads term ${term} without the committed entry ${index}`]
      }
      // Log matching covers what is before.
      return []
    }
    return []
  }

  /** What may not be said before it is durable; `null`: it may. */
  checkSend(message: Message, durable: DurableState): string | null {
    const { hardState } = durable
    const isVote = message._tag === "VoteRequest" || (message._tag === "VoteResponse" && message.granted)
    if (isVote && hardState.term <= message.term) {
      const vote = message._tag === "VoteRequest" ? message.from : message.to
      if (hardState.term < message.term || hardState.vote !== vote) {
        return `${message.from} sends ${message._tag} in term ${message.term} before its vote is durable`
      }
    }
    if (message._tag === "AppendAccepted" && hardState.term <= message.term && durable.lastIndex < message.index) {
      return `${message.from} acknowledges ${message.index}, durable is ${durable.lastIndex}`
    }
    return null
  }

  /** Every pair of logs; costs as much as they are long. */
  logMatching(states: ReadonlyArray<State>): ReadonlyArray<string> {
    return states.flatMap((a, position) =>
      states.slice(position + 1).flatMap((b) => {
        const index = logMismatch(a.log, b.log)
        return index === null
          ? []
          : [`log matching: ${a.id} and ${b.id} differ at ${index}, before an entry they share`]
      })
    )
  }
}
