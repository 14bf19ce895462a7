/**
 * Watches a run from outside, where everything can be seen, and ends it at the first step that breaks one of Raft's
 * properties (thesis figure 3.2) or of what a node promises above them. What can be told from the states of the nodes
 * alone is core/Invariants.ts; here is what also needs their disks, their state machines and their clients.
 */

import { members } from "../../core/Configuration.ts"
import { History, isSameEntry } from "../../core/Invariants.ts"
import type { DurableState } from "../../core/Invariants.ts"
import type { Message } from "../../core/Message.ts"
import type { State } from "../../core/State.ts"
import type { SessionId } from "../../node/Sessions.ts"
import type { Configuration, Entry, Index, NodeId, SnapshotMetadata, Term } from "../../core/Types.ts"

/** A property of Raft that does not hold. */
export class SafetyViolation extends Error {
  override readonly name = "SafetyViolation"
}

/** What a log says of an index; null where it was compacted or does not reach. */
export type TermAt = (index: Index) => Term | null

interface Appended {
  readonly entry: Entry
  readonly previousTerm: Term | null
}

const isSameMembers = (a: Configuration, b: Configuration): boolean => JSON.stringify(a) === JSON.stringify(b)

const isMajority = (members: ReadonlyArray<NodeId>, holds: (member: NodeId) => boolean): boolean =>
  members.length === 0 || members.filter(holds).length * 2 > members.length

export class Oracle {
  private readonly history = new History()
  private readonly leaderTerms = new Set<Term>()
  private readonly committed: Array<Entry> = []
  private readonly appended = new Map<string, Appended>()
  private readonly digests = new Map<Index, number>()
  private readonly executions = new Map<string, Index>()
  private readonly refusals = new Set<string>()
  private readonly commands = new Set<string>()

  /** The highest index that any leader committed so far. */
  get commit(): Index {
    return this.committed.length
  }

  get leaderChanges(): number {
    return this.leaderTerms.size
  }

  // ---- nodes --------------------------------------------------------------------------------------------------------

  started(node: NodeId): void {
    this.history.restarted(node)
  }

  /** Election safety, leader completeness, state machine safety; terms and commit indexes that never go back. */
  observes(state: State): void {
    if (state.role === "Leader") this.leaderTerms.add(state.term)
    const [violation] = this.history.observe([state])
    if (violation !== undefined) throw new SafetyViolation(violation)
  }

  /** What must be durable before others hear of it is (thesis figure 3.1). */
  sends(message: Message, durable: DurableState): void {
    const violation = this.history.checkSend(message, durable)
    if (violation !== null) throw new SafetyViolation(violation)
  }

  /** Log matching: an entry is told by its index and term, and so is everything before it. */
  appends(node: NodeId, entries: ReadonlyArray<Entry>, termAt: TermAt): void {
    for (const entry of entries) {
      const key = `${entry.index}:${entry.term}`
      const previousTerm = termAt(entry.index - 1)
      const known = this.appended.get(key)
      if (known === undefined) {
        this.appended.set(key, { entry, previousTerm })
        continue
      }
      if (!isSameEntry(known.entry, entry)) {
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
   * must be the one that others committed there. Returns whether it is the first to commit it.
   *
   * @param inEffect a configuration decides from the moment it is appended, also about entries before it (thesis 4.1): a
   * step that appends one, and commits, may have counted by either.
   */
  commits(
    node: NodeId,
    entry: Entry,
    inEffect: ReadonlyArray<Configuration>,
    isDurableOn: (member: NodeId, entry: Entry) => boolean
  ): "new" | "known" {
    const known = this.committed[entry.index - 1]
    if (known !== undefined) {
      this.isCommitted(node, entry, "committed")
      return "known"
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
    this.committed.push(entry)
    return "new"
  }

  /** Whatever a node takes for committed, or applies, a leader committed. */
  isCommitted(node: NodeId, entry: Entry, verb: "committed" | "takes for committed" | "applies"): void {
    const known = this.committed[entry.index - 1]
    if (known !== undefined && isSameEntry(known, entry)) return
    const instead =
      known === undefined ? "no leader committed anything there" : `one of term ${known.term} was committed`
    throw new SafetyViolation(`${node} ${verb} entry ${entry.index} of term ${entry.term}, but ${instead}`)
  }

  /** A snapshot carries the configuration that its last entry was under (thesis 5.1). */
  snapshots(node: NodeId, { index, configuration }: SnapshotMetadata): void {
    const last = this.committed.slice(0, index).findLast((entry) => entry.kind === "Configuration")
    if (last?.kind !== "Configuration" || isSameMembers(last.configuration, configuration)) return
    throw new SafetyViolation(
      `${node} has a snapshot of ${index} with another configuration than that of ${last.index}`
    )
  }

  /** Who takes itself for removed was left out by the last configuration up to there, and that is committed. */
  removes(node: NodeId, index: Index): void {
    if (index > this.commit) throw new SafetyViolation(`${node} is removed as of ${index}, committed is ${this.commit}`)
    const last = this.committed.slice(0, index).findLast((entry) => entry.kind === "Configuration")
    if (last?.kind === "Configuration" && !members(last.configuration).includes(node)) return
    throw new SafetyViolation(`${node} takes itself for removed as of ${index}, and is a member there`)
  }

  // ---- state machines -----------------------------------------------------------------------------------------------

  /** The state after an index, whether applied entry by entry or restored from a snapshot. */
  agrees(node: NodeId, index: Index, digest: number): void {
    if (index > this.commit) throw new SafetyViolation(`${node} applied ${index}, committed is ${this.commit}`)
    const known = this.digests.get(index)
    if (known === undefined) this.digests.set(index, digest)
    else if (known !== digest) throw new SafetyViolation(`${node} holds another state at ${index} than others did`)
  }

  /** Every write is executed once: at one index, the same on every node (thesis 6.3). */
  executes(node: NodeId, index: Index, write: string): void {
    if (this.refusals.has(write))
      throw new SafetyViolation(`${node} executes ${write} at ${index}, which was refused for good`)
    const known = this.executions.get(write)
    if (known === undefined) this.executions.set(write, index)
    else if (known !== index) throw new SafetyViolation(`${write} is executed at ${known} and at ${index}`)
  }

  /** Whether this command of a session was committed before. */
  isRepeated(session: SessionId, serial: number): boolean {
    const key = `${session}:${serial}`
    const isKnown = this.commands.has(key)
    this.commands.add(key)
    return isKnown
  }

  // ---- clients ------------------------------------------------------------------------------------------------------

  /** A confirmed read must see everything that was committed when it was asked for (thesis 6.4). */
  reads(node: NodeId, index: Index, commitWhenAsked: Index): void {
    if (index >= commitWhenAsked) return
    throw new SafetyViolation(
      `${node} confirmed a read at ${index}, but ${commitWhenAsked} was committed when it was asked`
    )
  }

  /** Whoever proposed this write heard of each attempt that nothing happened, and nothing will. */
  refuses(write: string): void {
    const known = this.executions.get(write)
    if (known !== undefined) throw new SafetyViolation(`${write} was refused, and is executed at ${known}`)
    this.refusals.add(write)
  }
}
