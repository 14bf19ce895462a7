/** The replicas of a simulation with everything between them, and what the nemesis and the operator may do to them. */

import { logMismatch } from "../../core/Invariants.ts"
import type { Message } from "../../core/Message.ts"
import type { Configuration, NodeId } from "../../core/Types.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Reply, Request } from "./Clients.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"
import { chooseChange, survivesWithout } from "./Membership.ts"
import type { FaultSurface } from "./Nemesis.ts"
import { calm, Network } from "./Network.ts"
import { Oracle, SafetyViolation } from "./Oracle.ts"
import type { Profile } from "./Profile.ts"
import { Replica } from "./Replica.ts"
import type { Trace } from "./Trace.ts"

export interface ClusterOptions {
  readonly random: SeededRandom
  readonly queue: EventQueue
  readonly counters: Counters
  readonly trace: Trace
  readonly profile: Profile
}

/** Nodes ever made, for a run whose operator keeps replacing them. */
const nodesMax = 14

export class Cluster {
  private readonly replicas = new Map<NodeId, Replica>()
  private readonly wiped = new Set<NodeId>()
  private readonly network: Network<Message>
  private readonly oracle = new Oracle()
  private readonly options: ClusterOptions
  private readonly bootstrap: Configuration

  constructor(options: ClusterOptions) {
    this.options = options
    const { random, queue, counters, profile } = options
    this.network = new Network(random.fork(), queue, counters, (from, to, message) => {
      this.replicas.get(to)?.receive(from, message)
    })
    this.network.quality = profile.quality
    const ids = Array.from({ length: profile.voters + profile.learners }, (_, i) => `n${i + 1}`)
    this.bootstrap = {
      voters: ids.slice(0, profile.voters),
      learners: ids.slice(profile.voters),
      outgoing: [],
      learnersNext: [],
      autoLeave: false
    }
    for (const id of ids) this.make(id, this.bootstrap)
  }

  start(): void {
    for (const replica of this.replicas.values()) replica.start()
  }

  leaderChanges(): number {
    return this.oracle.leaderChanges
  }

  /** Where a client may try its luck. */
  reachable(): ReadonlyArray<NodeId> {
    return [...this.replicas.keys()].filter((id) => !this.wiped.has(id))
  }

  /** A request and its reply each take their time, and each may be lost. */
  ask(node: NodeId, request: Request, reply: (reply: Reply) => void): void {
    const { random, queue, profile } = this.options
    const isLost = (): boolean => random.chance(profile.quality.lossPercent / 4)
    if (isLost()) return
    queue.plan(random.between(1, 5), () =>
      this.replicas.get(node)?.ask(request, (answer) => {
        if (!isLost()) queue.plan(random.between(1, 5), () => reply(answer))
      })
    )
  }

  /** Ends every fault that lasts: all disks that still exist get their process back, and nothing is slow. */
  heal(): void {
    this.compareLogs()
    this.network.quality = calm
    this.network.heal()
    for (const replica of this.alive()) replica.heal()
  }

  /** Null when the members agree on a leader, a configuration and a state. */
  disagreement(): string | null {
    const leader = this.leader()
    if (leader === null) return "there is no leader"
    const configuration = leader.configuration()
    if (configuration.outgoing.length > 0) return "the configuration is still joint"
    if (leader.applied() < this.oracle.commit) return `${leader.id} has not applied what was committed`
    for (const id of [...configuration.voters, ...configuration.learners]) {
      const replica = this.replicas.get(id)
      if (replica === undefined || this.wiped.has(id)) continue
      if (replica.term() !== leader.term())
        return `${id} is in term ${replica.term()}, ${leader.id} in ${leader.term()}`
      if (replica.applied() !== leader.applied()) return `${id} applied ${replica.applied()}, not ${leader.applied()}`
      if (replica.digest() !== leader.digest()) return `${id} holds another state than ${leader.id}`
    }
    return null
  }

  /** Log matching over whole logs, pair by pair: too much for every step, and what the checks of each step add up to. */
  private compareLogs(): void {
    const logs = [...this.replicas.values()].flatMap((replica) => {
      const log = replica.log()
      return log === null ? [] : [{ id: replica.id, log }]
    })
    logs.forEach((a, i) => {
      for (const b of logs.slice(i + 1)) {
        const index = logMismatch(a.log, b.log)
        if (index !== null)
          throw new SafetyViolation(`the logs of ${a.id} and ${b.id} differ at ${index}, and agree later`)
      }
    })
  }

  /** One line for each replica, for the report of a failure. */
  describe(): ReadonlyArray<string> {
    return [...this.replicas.values()].map((replica) => replica.describe())
  }

  readonly faults: FaultSurface = {
    running: () => this.alive().flatMap((replica) => (replica.isRunning() ? [replica.id] : [])),
    nodes: () => this.reachable(),
    leader: () => this.leader()?.id ?? null,
    links: {
      partition: (nodes, groups) => this.network.partition(nodes, groups),
      cutLink: (from, to) => this.network.cutLink(from, to),
      clog: (from, to) => this.network.clog(from, to),
      unclog: (from, to) => this.network.unclog(from, to),
      heal: () => this.network.heal()
    },
    crash: (node) => this.replicas.get(node)?.crash(),
    crashWhileWriting: (node) => this.replicas.get(node)?.crashWhileWriting(),
    restart: (node) => {
      if (!this.wiped.has(node)) this.replicas.get(node)?.start()
    },
    pause: (node, millis) => this.replicas.get(node)?.pause(millis),
    jumpClock: (node, ticks) => this.replicas.get(node)?.jumpClock(ticks),
    stallDisk: (node, millis) => this.replicas.get(node)?.stallDisk(millis),
    failDisk: (node) => this.replicas.get(node)?.failDisk(),
    transferLeadership: (to) => this.leader()?.transferLeadership(to),
    changeMembers: () => this.changeMembers(),
    wipe: (node) => this.wipe(node)
  }

  private alive(): ReadonlyArray<Replica> {
    return [...this.replicas.values()].filter(({ id }) => !this.wiped.has(id))
  }

  /** The latest of those that take themselves for leader. */
  private leader(): Replica | null {
    let leader: Replica | null = null
    for (const replica of this.replicas.values()) {
      if (replica.isLeader() && (leader === null || replica.term() > leader.term())) leader = replica
    }
    return leader
  }

  private make(id: NodeId, bootstrap: Configuration | null): Replica {
    const replica = new Replica({
      ...this.options,
      id,
      bootstrap,
      random: this.options.random.fork(),
      oracle: this.oracle,
      send: (message) => this.network.send(id, message.to, message),
      diskOf: (member) => this.replicas.get(member)?.disk
    })
    this.replicas.set(id, replica)
    return replica
  }

  private changeMembers(): boolean {
    const { random, counters } = this.options
    const leader = this.leader()
    if (leader === null || leader.configuration().outgoing.length > 0) return false
    const configuration = leader.configuration()
    const members = new Set([...configuration.voters, ...configuration.learners])
    const made: Array<NodeId> = []
    const chosen = chooseChange(
      {
        configuration,
        leader: leader.id,
        wiped: this.wiped,
        removed: this.alive().flatMap(({ id }) => (members.has(id) ? [] : [id])),
        fresh: () => {
          if (this.replicas.size + made.length >= nodesMax) return null
          const id = `n${this.replicas.size + made.length + 1}`
          made.push(id)
          return id
        }
      },
      random
    )
    if (chosen === null) return false
    for (const id of made) this.make(id, null).start()
    counters.add(`members: ${chosen.name}`)
    return leader.changeMembers(chosen.change)
  }

  private wipe(node: NodeId): boolean {
    const everyView = this.alive().map((replica) => replica.configuration())
    if (!everyView.every((configuration) => survivesWithout(configuration, this.wiped, node))) return false
    this.replicas.get(node)?.destroy()
    this.wiped.add(node)
    return true
  }
}
