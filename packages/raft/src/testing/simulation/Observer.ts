/** Looks at every step of one node: tells the oracle what changed, counts what was reached, and writes the trace. */

import type { Input } from "../../core/Input.ts"
import { entryAt, lastIndex, termAt } from "../../core/Log.ts"
import type { Message } from "../../core/Message.ts"
import type { Ready } from "../../core/Ready.ts"
import { configurationOf } from "../../core/State.ts"
import type { State } from "../../core/State.ts"
import type { Context, Entry, Index, NodeId } from "../../core/Types.ts"
import { decodeEnvelope } from "../../node/Envelope.ts"
import type { Counters } from "./Counters.ts"
import type { DurableLog } from "./DurableLog.ts"
import type { EventQueue } from "./EventQueue.ts"
import type { Oracle } from "./Oracle.ts"
import { SafetyViolation } from "./Oracle.ts"
import type { Trace } from "./Trace.ts"

export interface ObserverOptions {
  readonly id: NodeId
  readonly queue: EventQueue
  readonly counters: Counters
  readonly trace: Trace
  readonly oracle: Oracle
  readonly durable: DurableLog
  readonly durableOf: (member: NodeId) => DurableLog | undefined
}

/** Names of counters by the tag that they count: made once, for they are needed at every step. */
const inputNames = new Map<string, string>()

const inputCounter = (input: Input): string => {
  const tag = input._tag === "Receive" ? input.message._tag : input._tag
  const known = inputNames.get(tag)
  if (known !== undefined) return known
  const name = `input: ${tag}`
  inputNames.set(tag, name)
  return name
}

const inputText = (input: Input): string =>
  input._tag === "Receive" ? `${input.message._tag} from ${input.message.from} in ${input.message.term}` : input._tag

export class Observer {
  private readonly options: ObserverOptions
  /** Of reads that this process asked for: what was committed anywhere when it did. */
  private readonly asked = new Map<Context, Index>()
  /** The node's state as of the last step; null before the first. */
  latest: State | null = null

  constructor(options: ObserverOptions) {
    this.options = options
    options.oracle.started(options.id)
  }

  observe(before: State, input: Input, after: State, ready: Ready): void {
    this.latest = after
    // Before this step commits anything: that is concurrent with the read.
    if (input._tag === "ReadIndex") this.asked.set(input.context, this.options.oracle.commit)
    this.trace(input, after, ready)
    this.count(before, input, after, ready)
    const { oracle, id } = this.options
    if (ready.append !== null) {
      const { truncateFrom, entries } = ready.append
      if (truncateFrom !== null) oracle.truncates(id, truncateFrom, before.commit)
      oracle.appends(id, entries, (index) => termAt(after.log, index))
    }
    const isOtherLog = after.log !== before.log
    if (after.persisted > before.persisted) this.persisted(after)
    if (isOtherLog || after.configurations !== before.configurations) this.goesBy(after)
    const wasLeader = before.role === "Leader" && before.term === after.term
    if (after.role === "Leader" && !wasLeader) this.becameLeader(after)
    // A leader that is no longer a voter commits its removal and steps down in one step.
    if ((wasLeader || after.role === "Leader") && after.commit > before.commit) this.committed(before, after)
    for (let index = before.commit + 1; index <= after.commit; index++) {
      const entry = entryAt(after.log, index)
      if (entry !== null) oracle.isCommitted(id, entry, "takes for committed")
    }
    for (const entry of ready.committed) oracle.isCommitted(id, entry, "applies")
    if (isOtherLog || after.term !== before.term || after.commit !== before.commit || after.role !== before.role)
      oracle.observes(after)
    if (after.snapshot !== before.snapshot && after.snapshot !== null) oracle.snapshots(id, after.snapshot.metadata)
    if (after.removedAsOf !== before.removedAsOf) oracle.removes(id, after.removedAsOf)
    this.reads(ready)
  }

  /** What must be durable before others hear of it is (thesis figure 3.1). */
  sends(message: Message): void {
    const { id, oracle, durable } = this.options
    const { latest } = this
    oracle.sends(message, { hardState: durable.hardState, lastIndex: durable.lastIndex })
    if (message._tag !== "AppendAccepted" || latest === null || message.term !== latest.term) return
    const expected = termAt(latest.log, message.index)
    if (expected === null || durable.holds(message.index, expected)) return
    throw new SafetyViolation(`${id} confirms entry ${message.index} before it is durable`)
  }

  /**
   * What a node counts as durable is on its disk, and is the same entry. A disk that was slow may have put a snapshot in
   * place of entries already when the core hears that their write ended; that the snapshot is in place it hears next.
   */
  private persisted({ log, persisted, incoming }: State): void {
    if (incoming?.isInstalling === true) return
    const term = termAt(log, persisted)
    if (term === null || this.options.durable.holds(persisted, term)) return
    throw new SafetyViolation(`${this.options.id} counts entry ${persisted} of term ${term} as durable, and it is not`)
  }

  /** The configuration in effect is the last one in the log (thesis 4.1). */
  private goesBy({ log, configurations }: State): void {
    const index = configurations.at(-1)?.index ?? 0
    if (index <= log.baseIndex || entryAt(log, index)?.kind === "Configuration") return
    throw new SafetyViolation(`${this.options.id} goes by a configuration of entry ${index}, which is not in its log`)
  }

  private becameLeader(after: State): void {
    const { durable, id } = this.options
    const { term, vote } = durable.hardState
    if (term !== after.term || vote !== id) {
      throw new SafetyViolation(`${id} leads term ${after.term} on a vote of its own that is not durable`)
    }
  }

  private committed(before: State, after: State): void {
    const { oracle, id, durableOf } = this.options
    const isDurableOn = (member: NodeId, { index, term }: Entry): boolean =>
      durableOf(member)?.holds(index, term) === true
    const inEffect = [configurationOf(before), configurationOf(after)]
    for (let index = before.commit + 1; index <= after.commit; index++) {
      const entry = entryAt(after.log, index)
      if (entry !== null && oracle.commits(id, entry, inEffect, isDurableOn) === "new") this.countRepeated(entry)
    }
  }

  /** A command of a session that is in the log already: it was proposed again. */
  private countRepeated(entry: Entry): void {
    const envelope = entry.kind === "Command" ? decodeEnvelope(entry.data) : null
    if (envelope?.kind !== "Command") return
    const { counters, oracle } = this.options
    if (oracle.isRepeated(envelope.session, envelope.serial)) counters.add("session: repeated command")
  }

  private reads(ready: Ready): void {
    const { oracle, counters, id } = this.options
    for (const { context } of ready.dropped) this.asked.delete(context)
    for (const { context, index } of ready.reads) {
      counters.add("read: confirmed")
      oracle.reads(id, index, this.asked.get(context) ?? 0)
      this.asked.delete(context)
    }
  }

  private trace(input: Input, after: State, ready: Ready): void {
    const { trace, queue, id } = this.options
    const { role, term, commit, applied, log, random } = after
    for (const number of [queue.nowMillis, term, lastIndex(log), commit, applied, random, ready.messages.length])
      trace.fold(number)
    if (!trace.isWritten) return
    const append =
      ready.append === null ? "" : ` writes ${ready.append.entries.length} from ${ready.append.truncateFrom}`
    const messages = [...ready.messages, ...ready.messagesAfterPersist].map(({ _tag, to }) => `${_tag}>${to}`).join(" ")
    trace.write(
      `${queue.nowMillis} ${id} ${inputText(input)}: ${role} ${term} log ${lastIndex(log)} commit ${commit} applied ${applied}${append} ${messages}`
    )
  }

  private count(before: State, input: Input, after: State, ready: Ready): void {
    const { counters } = this.options
    counters.add(inputCounter(input))
    if (before.role !== after.role) counters.add(`role: ${before.role} to ${after.role}`)
    if (ready.append !== null && ready.append.truncateFrom !== null) counters.add("log: truncated")
    for (const { reason } of ready.dropped) counters.add(`core refuses: ${reason}`)
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
