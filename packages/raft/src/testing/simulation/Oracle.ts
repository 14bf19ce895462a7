/**
 * Watches a run from outside, where everything can be seen, and ends it at the first step that breaks one of Raft's
 * properties (thesis figure 3.2). Each check looks only at what just changed, so that it can follow every single step.
 */

import type { Configuration, Entry, Index, NodeId, Term } from "../../core/Types.ts"

/** A property of Raft that does not hold. */
export class SafetyViolation extends Error {
  override readonly name = "SafetyViolation"
}

/** The part of a node that can be seen at the moment of a check. */
export interface LogView {
  /** Undefined where the log was compacted or does not reach. */
  readonly termAt: (index: Index) => Term | null
}

interface Committed {
  readonly entry: Entry
  /** The term of the leader that was first to commit it. */
  readonly byTerm: Term
}

interface Appended {
  readonly entry: Entry
  readonly previousTerm: Term | null
}

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])

const sameEntry = (a: Entry, b: Entry): boolean => {
  if (a === b) return true
  if (a.kind !== b.kind || a.term !== b.term || a.index !== b.index) return false
  if (a.kind === "Command" && b.kind === "Command") return sameBytes(a.data, b.data)
  if (a.kind === "Configuration" && b.kind === "Configuration") {
    return JSON.stringify(a.configuration) === JSON.stringify(b.configuration)
  }
  return true
}

const isMajority = (members: ReadonlyArray<NodeId>, holds: (member: NodeId) => boolean): boolean =>
  members.length === 0 || members.filter(holds).length * 2 > members.length

export class Oracle {
  private readonly leaders = new Map<Term, NodeId>()
  private readonly committed: Array<Committed> = []
  private readonly appended = new Map<string, Appended>()
  private readonly digests = new Map<Index, number>()

  /** The highest index that any leader committed so far. */
  get commit(): Index {
    return this.committed.length
  }

  committedTerm(index: Index): Term {
    const known = this.committed[index - 1]
    if (known === undefined) throw new SafetyViolation(`entry ${index} is in a snapshot, but no leader committed it`)
    return known.entry.term
  }

  get leaderChanges(): number {
    return this.leaders.size
  }

  /** Election safety, and leader completeness: what was committed in earlier terms is in the log of every later leader. */
  leads(node: NodeId, term: Term, log: LogView, firstIndex: Index): void {
    const other = this.leaders.get(term)
    if (other === node) return
    if (other !== undefined) throw new SafetyViolation(`two leaders in term ${term}: ${other} and ${node}`)
    this.leaders.set(term, node)
    for (let index = this.committed.length; index >= firstIndex; index--) {
      const { entry, byTerm } = this.committed[index - 1] as Committed
      if (byTerm >= term) continue
      if (log.termAt(index) === entry.term) return
      throw new SafetyViolation(
        `${node} leads term ${term} without entry ${index} of term ${entry.term}, committed in term ${byTerm}`
      )
    }
  }

  /** Log matching: an entry is told by its index and term, and so is everything before it. */
  appends(node: NodeId, entries: ReadonlyArray<Entry>, log: LogView): void {
    for (const entry of entries) {
      const key = `${entry.index}:${entry.term}`
      const previousTerm = log.termAt(entry.index - 1)
      const known = this.appended.get(key)
      if (known === undefined) {
        this.appended.set(key, { entry, previousTerm })
        continue
      }
      if (!sameEntry(known.entry, entry)) {
        throw new SafetyViolation(`${node} appended another entry ${entry.index} of term ${entry.term} than others did`)
      }
      if (previousTerm === null || known.previousTerm === null || previousTerm === known.previousTerm) continue
      throw new SafetyViolation(
        `${node} has entry ${entry.index} of term ${entry.term} after one of term ${previousTerm}, others after one of term ${known.previousTerm}`
      )
    }
  }

  /** What a node took for committed was never cut from its log: a truncation starts above its commit index. */
  truncates(node: NodeId, from: Index, commit: Index): void {
    if (from <= commit)
      throw new SafetyViolation(`${node} cuts its log from ${from}, but has committed up to ${commit}`)
  }

  /**
   * A leader's commit index moved: each entry must be durable on a majority, on both of them during a joint change, and
   * must be the one that others committed there.
   *
   * @param inEffect a configuration decides from the moment it is appended, also about entries before it (thesis 4.1): a
   * step that appends one, and commits, may have counted by either.
   */
  commits(
    node: NodeId,
    term: Term,
    entry: Entry,
    inEffect: ReadonlyArray<Configuration>,
    isDurableOn: (member: NodeId, entry: Entry) => boolean
  ): void {
    const known = this.committed[entry.index - 1]
    if (known !== undefined) {
      if (!sameEntry(known.entry, entry)) {
        throw new SafetyViolation(
          `${node} committed another entry ${entry.index}, of term ${entry.term}, than the one of term ${known.entry.term}`
        )
      }
      return
    }
    if (entry.index !== this.committed.length + 1) {
      throw new SafetyViolation(`${node} committed entry ${entry.index} before entry ${this.committed.length + 1}`)
    }
    const holds = (member: NodeId): boolean => isDurableOn(member, entry)
    const decided = ({ voters, outgoing }: Configuration): boolean =>
      isMajority(voters, holds) && isMajority(outgoing, holds)
    if (!inEffect.some(decided)) {
      const members = [...new Set(inEffect.flatMap(({ voters, outgoing }) => [...voters, ...outgoing]))]
      const state = members.map((member) => `${member}${holds(member) ? "" : " does not"}`).join(", ")
      throw new SafetyViolation(
        `${node} committed entry ${entry.index} of term ${entry.term} that is not durable on a majority: ${state}`
      )
    }
    this.committed.push({ entry, byTerm: term })
  }

  /** Whatever a node takes for committed, a leader committed. */
  learnsCommit(node: NodeId, entry: Entry): void {
    const known = this.committed[entry.index - 1]
    if (known !== undefined && sameEntry(known.entry, entry)) return
    const instead =
      known === undefined ? "no leader committed there anything" : `one of term ${known.entry.term} was committed`
    throw new SafetyViolation(`${node} takes entry ${entry.index} of term ${entry.term} for committed, but ${instead}`)
  }

  /** State machine safety: whoever applied an index holds the same entries and the same state. */
  applies(node: NodeId, entry: Entry, digest: number): void {
    const known = this.committed[entry.index - 1]
    if (known === undefined) throw new SafetyViolation(`${node} applied entry ${entry.index} that no leader committed`)
    if (!sameEntry(known.entry, entry)) {
      throw new SafetyViolation(
        `${node} applied entry ${entry.index} of term ${entry.term} where one of term ${known.entry.term} was committed`
      )
    }
    this.agrees(node, entry.index, digest)
  }

  /** The state after an index, whether applied entry by entry or restored from a snapshot. */
  agrees(node: NodeId, index: Index, digest: number): void {
    const known = this.digests.get(index)
    if (known === undefined) this.digests.set(index, digest)
    else if (known !== digest) throw new SafetyViolation(`${node} holds another state at ${index} than others did`)
  }

  /** A confirmed read must see everything that was committed when it was asked for (thesis 6.4). */
  reads(node: NodeId, index: Index, commitWhenAsked: Index): void {
    if (index >= commitWhenAsked) return
    throw new SafetyViolation(
      `${node} confirmed a read at ${index}, but ${commitWhenAsked} was committed when it was asked`
    )
  }
}
