/**
 * A cluster in memory for tests of the core: production `step`, a driver that keeps its contract, messages delivered one at
 * a time in the order they were sent. Storage is durable at once unless `holdDisk` delays it.
 */
import type { Input } from "../../src/core/Input.ts"
import { History } from "../../src/core/Invariants.ts"
import type { Message } from "../../src/core/Message.ts"
import { defaultOptions } from "../../src/core/Options.ts"
import type { Options } from "../../src/core/Options.ts"
import type { Accepted, Append, ReadConfirmed, Ready, Refused } from "../../src/core/Ready.ts"
import { chunkOf } from "../../src/core/SnapshotSender.ts"
import { configurationOf, initialHardState, initialState } from "../../src/core/State.ts"
import type { State } from "../../src/core/State.ts"
import { configurationAt } from "../../src/core/Configuration.ts"
import { lastIndex, termAt } from "../../src/core/Log.ts"
import { step } from "../../src/core/Step.ts"
import { snapshotId } from "../../src/core/Types.ts"
import type { Configuration, Entry, HardState, NodeId, Snapshot } from "../../src/core/Types.ts"

export interface TestNode {
  state: State
  hardState: HardState
  /** Durable, from `base` on. */
  entries: Array<Entry>
  base: { index: number; term: number }
  snapshot: Snapshot | null
  content: Uint8Array
  incoming: Uint8Array
  waiting: Array<{ readonly append: Append | null; readonly messages: ReadonlyArray<Message> }>
  holdDisk: boolean
  holdInstall: boolean
  isUp: boolean
  applied: Array<string>
  accepted: Array<Accepted>
  dropped: Array<Refused>
  reads: Array<ReadConfirmed>
  installs: Array<Snapshot>
}

const text = new TextDecoder()
export const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
export const configuration = (voters: ReadonlyArray<NodeId>, learners: ReadonlyArray<NodeId> = []): Configuration => ({
  voters,
  learners,
  outgoing: [],
  learnersNext: [],
  autoLeave: false
})

export class Network {
  readonly nodes = new Map<NodeId, TestNode>()
  readonly queue: Array<Message> = []
  readonly history = new History()
  /** True lets a message through. */
  filter: (message: Message) => boolean = () => true
  /** Everything that was sent. */
  readonly sent: Array<Message> = []
  private readonly options: Partial<Options>
  private context = 0

  constructor(voters: ReadonlyArray<NodeId>, options: Partial<Options> = {}, learners: ReadonlyArray<NodeId> = []) {
    this.options = options
    for (const id of [...voters, ...learners]) this.add(id, configuration(voters, learners))
  }

  add(id: NodeId, bootstrap: Configuration | null, options: Partial<Options> = {}): TestNode {
    const state = initialState({
      id,
      options: { ...defaultOptions, ...this.options, ...options },
      seed: this.nodes.size * 7919 + 1,
      hardState: initialHardState,
      snapshot: null,
      base: { index: 0, term: 0 },
      entries: [],
      bootstrap,
      applied: 0
    })
    const node: TestNode = {
      state,
      hardState: initialHardState,
      entries: [],
      base: { index: 0, term: 0 },
      snapshot: null,
      content: new Uint8Array(),
      incoming: new Uint8Array(),
      waiting: [],
      holdDisk: false,
      holdInstall: false,
      isUp: true,
      applied: [],
      accepted: [],
      dropped: [],
      reads: [],
      installs: []
    }
    this.nodes.set(id, node)
    return node
  }

  node(id: NodeId): TestNode {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`no node ${id}`)
    return node
  }

  state(id: NodeId): State {
    return this.node(id).state
  }

  /** One input, without delivering what it sends. */
  input(id: NodeId, input: Input): Ready {
    const node = this.node(id)
    const [state, ready] = step(node.state, input)
    node.state = state
    this.perform(node, ready)
    const states = [...this.nodes.values()].filter(({ isUp }) => isUp).map((each) => each.state)
    const violations = this.history.observe(states)
    if (violations.length > 0) throw new Error(violations.join("\n"))
    return ready
  }

  /** One input, and everything that follows from it. */
  run(id: NodeId, input: Input): Ready {
    const ready = this.input(id, input)
    this.deliver()
    return ready
  }

  private perform(node: TestNode, ready: Ready): void {
    this.post(node, ready.messages)
    if (ready.append !== null || ready.messagesAfterPersist.length > 0) {
      node.waiting.push({ append: ready.append, messages: ready.messagesAfterPersist })
    }
    for (const read of ready.snapshotReads) {
      const data = node.content.slice(read.offset, read.offset + read.length)
      this.post(node, [chunkOf(node.state.id, read, data)])
    }
    node.accepted.push(...ready.accepted)
    node.dropped.push(...ready.dropped)
    node.reads.push(...ready.reads)
    for (const entry of ready.committed) {
      if (entry.kind === "Command") node.applied.push(text.decode(entry.data))
    }
    const lastCommitted = ready.committed.at(-1)
    if (lastCommitted !== undefined) this.input(node.state.id, { _tag: "Applied", index: lastCommitted.index })
    const write = ready.snapshotWrite
    if (write !== null) {
      const stored = new Uint8Array(write.offset + write.data.length)
      stored.set(node.incoming.subarray(0, write.offset))
      stored.set(write.data, write.offset)
      node.incoming = stored
      this.input(node.state.id, { _tag: "SnapshotStored", id: snapshotId(write.snapshot), offset: stored.length })
    }
    if (ready.snapshotInstall !== null) {
      node.installs.push(ready.snapshotInstall)
      if (!node.holdInstall) this.install(node.state.id)
    }
    if (!node.holdDisk) this.flush(node.state.id)
  }

  /** Puts the snapshot that arrived last in place of log and state. */
  install(id: NodeId): void {
    const node = this.node(id)
    const snapshot = node.installs.at(-1)
    if (snapshot === undefined) throw new Error("nothing to install")
    // After the appends before it, as storage works in order.
    this.flush(id)
    node.content = node.incoming
    node.applied = text
      .decode(node.content)
      .split(",")
      .filter((each) => each !== "")
    node.snapshot = snapshot
    node.base = { index: snapshot.metadata.index, term: snapshot.metadata.term }
    node.entries = []
    this.input(id, { _tag: "SnapshotInstalled", id: snapshotId(snapshot) })
  }

  /** Makes durable what waits, then sends what waited for it. */
  flush(id: NodeId, count = Number.POSITIVE_INFINITY): void {
    const node = this.node(id)
    for (let i = 0; i < count; i++) {
      const next = node.waiting.shift()
      if (next === undefined) return
      const { append, messages } = next
      if (append !== null) {
        if (append.hardState !== null) node.hardState = append.hardState
        const from = append.truncateFrom ?? append.entries[0]?.index ?? Number.POSITIVE_INFINITY
        node.entries = [...node.entries.filter(({ index }) => index < from), ...append.entries]
      }
      for (const message of messages) {
        const problem = this.history.checkSend(message, {
          hardState: node.hardState,
          lastIndex: node.entries.at(-1)?.index ?? node.base.index
        })
        if (problem !== null) throw new Error(problem)
      }
      this.post(node, messages)
      if (append !== null) this.input(id, { _tag: "Persisted", sequence: append.sequence })
    }
  }

  private post(node: TestNode, messages: ReadonlyArray<Message>): void {
    if (!node.isUp) return
    this.sent.push(...messages)
    this.queue.push(...messages.filter((message) => this.filter(message)))
  }

  receive(message: Message): void {
    const node = this.nodes.get(message.to)
    if (node?.isUp === true) this.input(message.to, { _tag: "Receive", message })
  }

  deliver(max = 100_000): void {
    for (let i = 0; i < max; i++) {
      const message = this.queue.shift()
      if (message === undefined) return
      this.receive(message)
    }
    throw new Error("the cluster does not come to rest")
  }

  tick(count = 1, ids: Iterable<NodeId> = this.nodes.keys()): void {
    const ticking = [...ids]
    for (let i = 0; i < count; i++) {
      for (const id of ticking) if (this.node(id).isUp) this.input(id, { _tag: "Tick" })
      this.deliver()
    }
  }

  /** Ticks until it holds. */
  until(fact: () => boolean, ticksMax = 500): void {
    for (let i = 0; i < ticksMax; i++) {
      if (fact()) return
      this.tick()
    }
    throw new Error("it never became true")
  }

  elect(id: NodeId): void {
    this.run(id, { _tag: "Campaign" })
    if (this.state(id).role !== "Leader") throw new Error(`${id} was not elected`)
  }

  propose(id: NodeId, ...values: ReadonlyArray<string>): string {
    const context = `p${++this.context}`
    this.run(id, { _tag: "Propose", context, data: values.map(bytes) })
    return context
  }

  read(id: NodeId): string {
    const context = `r${++this.context}`
    this.run(id, { _tag: "ReadIndex", context })
    return context
  }

  change(id: NodeId, voters: ReadonlyArray<NodeId>, learners: ReadonlyArray<NodeId> = [], autoLeave = true): void {
    const context = `c${++this.context}`
    this.run(id, { _tag: "ProposeConfiguration", context, voters, learners, autoLeave, expectedIndex: null })
  }

  /** A node that was there before: its durable log, by terms. */
  seed(id: NodeId, terms: ReadonlyArray<number>, term: number): void {
    const node = this.node(id)
    node.hardState = { term, vote: null, commit: 0 }
    node.entries = terms.map((each, position) => ({
      kind: "Command",
      term: each,
      index: position + 1,
      data: bytes(`${each}.${position + 1}`)
    }))
    this.restart(id)
  }

  leaders(): ReadonlyArray<NodeId> {
    return [...this.nodes.values()]
      .filter(({ state, isUp }) => isUp && state.role === "Leader")
      .map(({ state }) => state.id)
  }

  /** Messages between different groups are lost, in both directions. */
  partition(...groups: ReadonlyArray<ReadonlyArray<NodeId>>): void {
    const groupOf = (id: NodeId): number => groups.findIndex((group) => group.includes(id))
    this.filter = ({ from, to }) => groupOf(from) === groupOf(to) && groupOf(from) >= 0
  }

  heal(): void {
    this.filter = () => true
  }

  crash(id: NodeId): void {
    const node = this.node(id)
    node.isUp = false
    node.waiting = []
  }

  /** From what was durable. What was applied is replayed from the snapshot on. */
  restart(id: NodeId): void {
    const node = this.node(id)
    const applied = node.snapshot?.metadata.index ?? 0
    node.state = initialState({
      id,
      options: node.state.options,
      seed: node.state.random,
      hardState: node.hardState,
      snapshot: node.snapshot,
      base: node.base,
      entries: node.entries,
      bootstrap: configurationAt(node.state.configurations, 0),
      applied
    })
    node.applied = text
      .decode(node.content)
      .split(",")
      .filter((each) => each !== "")
    node.waiting = []
    node.isUp = true
    this.history.restarted(id)
  }

  /** Snapshot of everything applied, log cut down to `keep` entries before it. */
  compact(id: NodeId, keep = 0): void {
    const node = this.node(id)
    const index = node.state.applied
    if (index <= (node.snapshot?.metadata.index ?? 0)) return
    node.content = bytes(node.applied.join(","))
    node.snapshot = {
      metadata: {
        index,
        term: termAt(node.state.log, index) ?? 0,
        configuration: configurationAt(node.state.configurations, index)
      },
      bytes: node.content.length,
      checksum: node.content.reduce((sum, byte) => (sum * 31 + byte) >>> 0, index)
    }
    this.run(id, { _tag: "SnapshotTaken", snapshot: node.snapshot })
    const cut = Math.max(node.base.index, index - keep)
    node.base = { index: cut, term: termAt(node.state.log, cut) ?? 0 }
    node.entries = node.entries.filter((entry) => entry.index > cut)
    this.run(id, { _tag: "Compact", index: cut })
  }

  terms(id: NodeId): ReadonlyArray<number> {
    const { log } = this.state(id)
    return Array.from({ length: log.length }, (_, i) => termAt(log, log.baseIndex + 1 + i) ?? 0)
  }

  voters(id: NodeId): ReadonlyArray<NodeId> {
    return configurationOf(this.state(id)).voters
  }

  last(id: NodeId): number {
    return lastIndex(this.state(id).log)
  }
}
