/** Looks at every step of one node: tells the oracle what changed, counts what was reached, and writes the trace. */

import { configurationOf } from "../../core/State.ts"
import type { State } from "../../core/State.ts"
import type { Input } from "../../core/Input.ts"
import { entryAt, lastIndex, termAt } from "../../core/Log.ts"
import type { Log } from "../../core/Log.ts"
import type { Message } from "../../core/Message.ts"
import type { Ready } from "../../core/Ready.ts"
import type { Entry, NodeId } from "../../core/Types.ts"
import type { Disk } from "./Disk.ts"
import type { LogView } from "./Oracle.ts"
import { SafetyViolation } from "./Oracle.ts"
import type { ReplicaOptions } from "./Replica.ts"

const viewOf = (log: Log): LogView => ({ termAt: (index) => termAt(log, index) })

const inputName = (input: Input): string =>
  input._tag === "Receive" ? `${input.message._tag} from ${input.message.from} in ${input.message.term}` : input._tag

export class Observer {
  private readonly options: ReplicaOptions
  private readonly disk: Disk

  constructor(options: ReplicaOptions, disk: Disk) {
    this.options = options
    this.disk = disk
  }

  observe(before: State, input: Input, after: State, ready: Ready): void {
    this.write(input, after, ready)
    this.count(before, input, after, ready)
    const { oracle, id } = this.options
    if (after.term < before.term) throw new SafetyViolation(`${id} went back from term ${before.term} to ${after.term}`)
    if (after.commit < before.commit) {
      throw new SafetyViolation(`${id} took back its commit index from ${before.commit} to ${after.commit}`)
    }
    if (ready.append !== null) {
      const { truncateFrom, entries } = ready.append
      if (truncateFrom !== null) oracle.truncates(id, truncateFrom, before.commit)
      oracle.appends(id, entries, viewOf(after.log))
    }
    if (after.persisted > before.persisted) this.persisted(after)
    if (after.configurations !== before.configurations || after.log !== before.log) this.goesBy(after)
    const wasLeader = before.role === "Leader" && before.term === after.term
    if (after.role === "Leader" && !wasLeader) this.becameLeader(before, after)
    // A leader that is no longer a voter commits its removal and steps down in one step.
    if ((wasLeader || after.role === "Leader") && after.commit > before.commit) this.committed(before, after)
    for (let index = before.commit + 1; index <= after.commit; index++) {
      const entry = entryAt(after.log, index)
      if (entry !== null) oracle.learnsCommit(id, entry)
    }
  }

  /** What must be durable before others hear of it is (thesis figure 3.1). */
  sends(state: State, message: Message): void {
    const { id } = this.options
    if (message._tag === "VoteResponse" && message.granted) {
      const { term, vote } = this.disk.durableHardState()
      if (term > message.term || (term === message.term && vote === message.to)) return
      throw new SafetyViolation(`${id} promises its vote in term ${message.term} to ${message.to} before it is durable`)
    }
    if (message._tag === "AppendAccepted" && message.term === state.term) {
      const expected = termAt(state.log, message.index)
      if (expected === null || this.disk.holds(message.index, expected)) return
      throw new SafetyViolation(`${id} confirms entry ${message.index} before it is durable`)
    }
  }

  /**
   * What a node counts as durable is on its disk, and is the same entry. A disk that was slow may have put a snapshot in
   * place of entries already when the core hears that their write ended; that the snapshot is in place it hears next.
   */
  private persisted({ log, persisted, incoming }: State): void {
    if (incoming?.isInstalling === true) return
    const term = termAt(log, persisted)
    if (term === null || this.disk.holds(persisted, term)) return
    throw new SafetyViolation(`${this.options.id} counts entry ${persisted} of term ${term} as durable, and it is not`)
  }

  /** The configuration in effect is the last one in the log (thesis 4.1). */
  private goesBy({ log, configurations }: State): void {
    const index = configurations.at(-1)?.index ?? 0
    if (index <= log.baseIndex || entryAt(log, index)?.kind === "Configuration") return
    throw new SafetyViolation(`${this.options.id} goes by a configuration of entry ${index}, which is not in its log`)
  }

  private becameLeader(before: State, after: State): void {
    const { oracle, id } = this.options
    const { term, vote } = this.disk.durableHardState()
    if (term !== after.term || vote !== id) {
      throw new SafetyViolation(`${id} leads term ${after.term} on a vote of its own that is not durable`)
    }
    // As it was before: the leader's first entry of the term is no part of what it was elected with.
    oracle.leads(id, after.term, viewOf(before.log), before.log.baseIndex + 1)
  }

  private committed(before: State, after: State): void {
    const { oracle, id, diskOf } = this.options
    const isDurableOn = (member: NodeId, { index, term }: Entry): boolean => diskOf(member)?.holds(index, term) === true
    const inEffect = [configurationOf(before), configurationOf(after)]
    for (let index = before.commit + 1; index <= after.commit; index++) {
      const entry = entryAt(after.log, index)
      if (entry !== null) oracle.commits(id, after.term, entry, inEffect, isDurableOn)
    }
  }

  private write(input: Input, after: State, ready: Ready): void {
    const { trace, queue, id } = this.options
    const { role, term, commit, applied, log } = after
    const append =
      ready.append === null ? "" : ` writes ${ready.append.entries.length} from ${ready.append.truncateFrom}`
    const messages = [...ready.messages, ...ready.messagesAfterPersist].map(({ _tag, to }) => `${_tag}>${to}`).join(" ")
    trace.add(
      `${queue.nowMillis} ${id} ${inputName(input)}: ${role} ${term} log ${lastIndex(log)} commit ${commit} applied ${applied}${append} ${messages}`
    )
  }

  private count(before: State, input: Input, after: State, ready: Ready): void {
    const { counters } = this.options
    counters.add(`input: ${input._tag === "Receive" ? input.message._tag : input._tag}`)
    if (before.role !== after.role) counters.add(`role: ${before.role} to ${after.role}`)
    if (ready.append !== null && ready.append.truncateFrom !== null) counters.add("log: truncated")
    if (before.configurations !== after.configurations) this.countMembership(before, after)
    if (before.progress === after.progress) return
    for (const [peer, progress] of after.progress) {
      const mode = before.progress.get(peer)?.mode
      if (mode !== undefined && mode !== progress.mode) counters.add(`progress: ${mode} to ${progress.mode}`)
    }
  }

  private countMembership(before: State, after: State): void {
    const { counters } = this.options
    const wasJoint = configurationOf(before).outgoing.length > 0
    const isJoint = configurationOf(after).outgoing.length > 0
    if (!wasJoint && isJoint) counters.add("configuration: joint")
    if (wasJoint && !isJoint) counters.add("configuration: joint left or undone")
    if (after.configurations.length < before.configurations.length) counters.add("configuration: undone or compacted")
  }
}
