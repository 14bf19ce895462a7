/**
 * What the pure core of Raft costs: three cores connected in memory, storage and state machine instant, 128-byte commands.
 * Printed: entries and reads per second of one thread that runs all three, with a few or many of them in flight; messages
 * for each entry; and what a step takes, by its input. Seconds are of CPU time, so that other load does not show in them;
 * but for single steps, which are measured by the clock.
 *
 *   npm run bench raft-core -- --seconds 2
 */
import { performance } from "node:perf_hooks"
import { lastTerm } from "../packages/raft/src/core/Log.ts"
import { defaultOptions } from "../packages/raft/src/core/Options.ts"
import type { Input } from "../packages/raft/src/core/Input.ts"
import type { Message } from "../packages/raft/src/core/Message.ts"
import { initialHardState, initialState } from "../packages/raft/src/core/State.ts"
import type { State } from "../packages/raft/src/core/State.ts"
import { step } from "../packages/raft/src/core/Step.ts"
import type { NodeId } from "../packages/raft/src/core/Types.ts"
import { benchOptions } from "./raft/BenchOptions.ts"
import { table } from "./Statistics.ts"

const values = benchOptions({ seconds: { type: "string", default: "1" } })
const millisMax = Number(values.seconds) * 1_000
const ids = ["a", "b", "c"]
const data = new Uint8Array(128).fill(7)
const compactEvery = 20_000

/** Appends become durable at once, or together when no message is on its way (as a flush takes longer than a message). */
type Disk = "each" | "grouped"

class Node {
  state: State
  held: Array<Message> = []
  unsynced = 0
  confirmed = 0
  constructor(id: NodeId) {
    const bootstrap = { voters: ids, learners: [], outgoing: [], learnersNext: [], autoLeave: false }
    this.state = initialState({
      id,
      options: defaultOptions,
      seed: id.charCodeAt(0),
      hardState: initialHardState,
      snapshot: null,
      base: { index: 0, term: 0 },
      entries: [],
      bootstrap,
      applied: 0
    })
  }
}

interface StepCost {
  count: number
  micros: number
}

class Cluster {
  readonly nodes = new Map(ids.map((id) => [id, new Node(id)]))
  readonly leader = this.node("a")
  readonly costs = new Map<string, StepCost>()
  readonly disk: Disk
  readonly isTimed: boolean
  messages = 0
  private queue: Array<Message> = []

  constructor(disk: Disk, isTimed = false) {
    this.disk = disk
    this.isTimed = isTimed
    this.input(this.leader, { _tag: "Campaign" })
    this.settle()
    if (this.leader.state.role !== "Leader") throw new Error("no leader")
  }

  node(id: NodeId): Node {
    const node = this.nodes.get(id)
    if (node === undefined) throw new Error(`no node ${id}`)
    return node
  }

  input(node: Node, input: Input): void {
    const [state, ready] = this.isTimed ? this.timed(node, input) : step(node.state, input)
    node.state = state
    for (const message of ready.messages) this.queue.push(message)
    if (ready.append !== null) node.unsynced = ready.append.sequence
    for (const message of ready.messagesAfterPersist) node.held.push(message)
    node.confirmed += ready.reads.length
    const last = ready.committed.at(-1)
    if (this.disk === "each") this.sync(node)
    if (last !== undefined) this.input(node, { _tag: "Applied", index: last.index })
  }

  private timed(node: Node, input: Input): ReturnType<typeof step> {
    const started = performance.now()
    const result = step(node.state, input)
    const micros = (performance.now() - started) * 1_000
    const role = node.state.role === "Leader" ? "leader" : "follower"
    const name = `${role}: ${input._tag === "Receive" ? input.message._tag : input._tag}`
    const cost = this.costs.get(name) ?? { count: 0, micros: 0 }
    this.costs.set(name, { count: cost.count + 1, micros: cost.micros + micros })
    return result
  }

  private sync(node: Node): boolean {
    if (node.unsynced === 0 && node.held.length === 0) return false
    const { unsynced, held } = node
    node.unsynced = 0
    node.held = []
    for (const message of held) this.queue.push(message)
    if (unsynced > 0) this.input(node, { _tag: "Persisted", sequence: unsynced })
    return true
  }

  /** Delivers, round by round, until nothing is on its way. */
  settle(): void {
    do {
      while (this.queue.length > 0) {
        const batch = this.queue
        this.queue = []
        this.messages += batch.length
        for (const message of batch) this.input(this.node(message.to), { _tag: "Receive", message })
      }
    } while ([...this.nodes.values()].map((node) => this.sync(node)).includes(true))
  }

  tick(): void {
    for (const node of this.nodes.values()) this.input(node, { _tag: "Tick" })
  }

  compact(): void {
    for (const node of this.nodes.values()) {
      const { applied, log } = node.state
      if (applied - log.baseIndex < compactEvery) continue
      const [configuration] = node.state.configurations
      if (configuration === undefined) throw new Error("no configuration")
      const metadata = { index: applied, term: lastTerm(log), configuration: configuration.configuration }
      this.input(node, { _tag: "SnapshotTaken", snapshot: { metadata, bytes: 1, checksum: 0 } })
      this.input(node, { _tag: "Compact", index: applied })
    }
  }
}

/** Rounds of `inFlight` inputs, until the time is over. Answers how many rounds, in how many milliseconds of CPU time. */
const rounds = (cluster: Cluster, inFlight: number, ask: (context: string) => Input, from: Node) => {
  const started = performance.now()
  const usage = process.cpuUsage()
  let count = 0
  while (performance.now() - started < millisMax) {
    for (let i = 0; i < inFlight; i++) cluster.input(from, ask(`${count}-${i}`))
    cluster.settle()
    if (count % 10 === 0) cluster.tick()
    cluster.compact()
    count++
  }
  cluster.settle()
  return { count, millis: process.cpuUsage(usage).user / 1_000 }
}

const proposing = (batch: number) => {
  const commands = Array.from({ length: batch }, () => data)
  return (context: string): Input => ({ _tag: "Propose", context, data: commands })
}

const number = (value: number): string => Math.round(value).toLocaleString("en")

const writes = (disk: Disk, batch: number, inFlight: number): ReadonlyArray<string> => {
  const cluster = new Cluster(disk)
  const { count, millis } = rounds(cluster, inFlight, proposing(batch), cluster.leader)
  const entries = count * inFlight * batch
  for (const { state } of cluster.nodes.values()) {
    if (state.commit < entries) throw new Error(`${state.id} knows of ${state.commit} of ${entries} commits`)
  }
  const perEntry = (millis * 1_000) / entries
  const messages = cluster.messages / (count * inFlight)
  return [
    disk,
    String(batch),
    String(inFlight),
    number((entries / millis) * 1_000),
    perEntry.toFixed(2),
    messages.toFixed(2)
  ]
}

const reads = (id: NodeId, inFlight: number): ReadonlyArray<string> => {
  const cluster = new Cluster("each")
  const from = cluster.node(id)
  const { count, millis } = rounds(cluster, inFlight, (context) => ({ _tag: "ReadIndex", context }), from)
  if (from.confirmed !== count * inFlight) throw new Error(`${from.confirmed} of ${count * inFlight} reads confirmed`)
  return [
    id === "a" ? "leader" : "follower",
    String(inFlight),
    number((from.confirmed / millis) * 1_000),
    (cluster.messages / from.confirmed).toFixed(2)
  ]
}

const steps = (inFlight: number): ReadonlyArray<ReadonlyArray<string>> => {
  const cluster = new Cluster("grouped", true)
  rounds(cluster, inFlight, proposing(1), cluster.leader)
  rounds(cluster, inFlight, (context) => ({ _tag: "ReadIndex", context }), cluster.leader)
  return [...cluster.costs]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { count, micros }]) => [name, String(inFlight), number(count), (micros / count).toFixed(2)])
}

const show = (rows: ReadonlyArray<ReadonlyArray<string>>): void => void process.stdout.write(`\n${table(rows)}\n`)

show([
  ["flushes", "commands a proposal", "proposals in flight", "entries/s", "µs an entry", "messages a proposal"],
  writes("each", 1, 1),
  writes("each", 16, 1),
  writes("each", 256, 1),
  writes("each", 1, 1_000),
  ...[1, 16, 256].map((batch) => writes("grouped", batch, 1)),
  ...[10, 100, 1_000, 10_000].map((inFlight) => writes("grouped", 1, inFlight)),
  ...[16, 256].map((batch) => writes("grouped", batch, 100))
])
show([
  ["reads asked at", "reads in flight", "reads/s", "messages a read"],
  ...["a", "b"].flatMap((id) => [1, 100, 1_000, 10_000].map((inFlight) => reads(id, inFlight)))
])
show([["step", "in flight", "steps", "µs a step"], ...steps(1), ...steps(1_000)])
