/** The nodes of a simulation with everything between them, and what the nemesis may do to them. */

import { logMismatch } from "../../core/Invariants.ts"
import type { Message } from "../../core/Message.ts"
import type { Configuration, NodeId } from "../../core/Types.ts"
import type { Answer, Call } from "../../transport/Call.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"
import type { FaultSurface } from "./Nemesis.ts"
import { calm, Network } from "./Network.ts"
import { Operator } from "./Operator.ts"
import { Oracle, SafetyViolation } from "./Oracle.ts"
import type { Profile } from "./Profile.ts"
import { SimulatedNode } from "./SimulatedNode.ts"
import type { Trace } from "./Trace.ts"

export interface ClusterOptions {
  readonly random: SeededRandom
  readonly queue: EventQueue
  readonly counters: Counters
  readonly trace: Trace
  readonly profile: Profile
}

/** A chunk of a snapshot with a bit that flipped, in so many of a hundred. */
const flippedPercent = 0.3

export class Cluster {
  readonly oracle = new Oracle()
  private readonly nodes = new Map<NodeId, SimulatedNode>()
  private readonly network: Network<Message>
  private readonly operator: Operator
  private readonly options: ClusterOptions

  constructor(options: ClusterOptions) {
    this.options = options
    const { random, queue, counters, profile } = options
    this.network = new Network(random.fork(), queue, counters, (_from, to, message) => {
      this.nodes.get(to)?.receive(this.arrived(message))
    })
    this.network.quality = profile.quality
    this.operator = new Operator(random.fork(), counters, {
      nodes: this.nodes,
      leader: () => this.leader(),
      make: (id) => this.make(id, null)
    })
    const ids = Array.from({ length: profile.voters + profile.learners }, (_, i) => `n${i + 1}`)
    const voters = ids.slice(0, profile.voters)
    const learners = ids.slice(profile.voters)
    const bootstrap: Configuration = { voters, learners, outgoing: [], learnersNext: [], autoLeave: false }
    for (const id of ids) this.make(id, bootstrap)
  }

  start(): void {
    for (const node of this.nodes.values()) node.start()
  }

  /** Those that run now, for whoever is inside of one. */
  awake(): ReadonlyArray<SimulatedNode> {
    return [...this.nodes.values()].filter((node) => node.isAwake())
  }

  /** Where a client may try its luck. */
  reachable(): ReadonlyArray<NodeId> {
    return this.operator.sound().map(({ id }) => id)
  }

  /** Where the operator would send a client: the members, as far as somebody leads. */
  current(): ReadonlyArray<NodeId> {
    const configuration = this.leader()?.configuration()
    const members = configuration === undefined ? [] : [...configuration.voters, ...configuration.learners]
    const sound = this.reachable().filter((id) => members.includes(id))
    return sound.length > 0 ? sound : this.reachable()
  }

  /** A call and its answer each take their time, and each may be lost. */
  ask(node: NodeId, call: Call, reply: (answer: Answer) => void): void {
    const { random, queue, profile } = this.options
    const isLost = (): boolean => random.chance(profile.quality.lossPercent / 4)
    if (isLost()) return
    queue.plan(random.between(1, 5), () =>
      this.nodes.get(node)?.call(call, (answer) => {
        if (!isLost()) queue.plan(random.between(1, 5), () => reply(answer))
      })
    )
  }

  /** Ends every fault that lasts: all disks that still exist get their process back, and nothing is slow. */
  heal(): void {
    this.compareLogs()
    this.network.quality = calm
    this.network.heal()
    for (const node of this.operator.sound()) node.heal()
  }

  finish(): void {
    for (const node of this.nodes.values()) node.finish()
  }

  /** Null when the members agree on a leader, a configuration and a state. */
  disagreement(): string | null {
    const leader = this.leader()
    if (leader === null) return "there is no leader"
    const configuration = leader.configuration()
    if (configuration.outgoing.length > 0) return "the configuration is still joint"
    if (leader.applied() < this.oracle.commit) return `${leader.id} has not applied what was committed`
    const members = new Set([...configuration.voters, ...configuration.learners])
    const sound = this.operator.sound().filter(({ id }) => members.has(id))
    for (const node of sound) {
      if (node.term() !== leader.term()) return `${node.id} is in term ${node.term()}, ${leader.id} in ${leader.term()}`
      if (node.applied() !== leader.applied()) return `${node.id} applied ${node.applied()}, not ${leader.applied()}`
    }
    const image = Buffer.from(leader.image())
    const other = sound.find((node) => !image.equals(node.image()))
    return other === undefined ? null : `${other.id} holds another state than ${leader.id}`
  }

  /** One line for each node, for the report of a failure. */
  describe(): ReadonlyArray<string> {
    return [...this.nodes.values()].map((node) => node.describe())
  }

  readonly faults: FaultSurface = {
    running: () => this.operator.sound().flatMap((node) => (node.isRunning() ? [node.id] : [])),
    nodes: () => this.reachable(),
    leader: () => this.leader()?.id ?? null,
    node: (id) => this.nodes.get(id),
    links: {
      partition: (nodes, groups) => this.network.partition(nodes, groups),
      cutLink: (from, to) => this.network.cutLink(from, to),
      clog: (from, to) => this.network.clog(from, to),
      unclog: (from, to) => this.network.unclog(from, to),
      heal: () => this.network.heal()
    },
    restart: (node) => {
      if (!this.operator.hasLost(node)) this.nodes.get(node)?.start()
    },
    changeMembers: () => this.operator.changeMembers(),
    wipe: (node) => this.operator.wipe(node),
    damage: (node) => this.operator.damage(node)
  }

  /** Log matching over whole logs, pair by pair: too much for every step, and what the checks of each step add up to. */
  private compareLogs(): void {
    const logs = [...this.nodes.values()].flatMap((node) => {
      const log = node.log()
      return log === null ? [] : [{ id: node.id, log }]
    })
    logs.forEach((a, i) => {
      for (const b of logs.slice(i + 1)) {
        const index = logMismatch(a.log, b.log)
        if (index !== null)
          throw new SafetyViolation(`the logs of ${a.id} and ${b.id} differ at ${index}, and agree later`)
      }
    })
  }

  /** The latest of those that take themselves for leader. */
  private leader(): SimulatedNode | null {
    let leader: SimulatedNode | null = null
    for (const node of this.nodes.values()) {
      if (node.isLeader() && (leader === null || node.term() > leader.term())) leader = node
    }
    return leader
  }

  private make(id: NodeId, bootstrap: Configuration | null): SimulatedNode {
    const node = new SimulatedNode({
      ...this.options,
      id,
      bootstrap,
      random: this.options.random.fork(),
      oracle: this.oracle,
      send: (message) => this.network.send(id, message.to, message),
      diskOf: (member) => this.nodes.get(member)?.disk,
      lost: () => this.operator.lose(id)
    })
    this.nodes.set(id, node)
    return node
  }

  /** A bit that flips on the way, which the checksum of the whole finds at the latest. */
  private arrived(message: Message): Message {
    const { random, counters } = this.options
    if (message._tag !== "SnapshotChunk" || message.data.length === 0 || !random.chance(flippedPercent)) return message
    counters.add("network: bit of a snapshot flipped")
    const data = message.data.slice()
    data[0] = (data[0] ?? 0) ^ 1
    return { ...message, data }
  }
}
