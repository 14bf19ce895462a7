/** Does to a cluster what its profile says, at random times, until it is told to stop. */

import type { NodeId } from "../../core/Types.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"
import type { FaultKind, Profile } from "./Profile.ts"
import type { SimulatedNode } from "./SimulatedNode.ts"

/** What can be done to a cluster. */
export interface FaultSurface {
  /** Those that run, paused ones included. */
  readonly running: () => ReadonlyArray<NodeId>
  /** All that exist, but for those whose disk is gone. */
  readonly nodes: () => ReadonlyArray<NodeId>
  readonly leader: () => NodeId | null
  readonly links: {
    readonly partition: (nodes: ReadonlyArray<NodeId>, groups: ReadonlyArray<ReadonlyArray<NodeId>>) => void
    readonly cutLink: (from: NodeId, to: NodeId) => void
    readonly clog: (from: NodeId, to: NodeId) => void
    readonly unclog: (from: NodeId, to: NodeId) => void
    readonly heal: () => void
  }
  readonly node: (id: NodeId) => SimulatedNode | undefined
  /** Nothing happens to one that runs. */
  readonly restart: (node: NodeId) => void
  /** Returns whether there was something to change and someone to ask. */
  readonly changeMembers: () => boolean
  /** The disk is gone for good; false when that would cost the cluster its quorum. */
  readonly wipe: (node: NodeId) => boolean
  /** Confirmed bytes change; false when that could cost the cluster its quorum. */
  readonly damage: (node: NodeId) => boolean
}

export class Nemesis {
  private readonly random: SeededRandom
  private readonly queue: EventQueue
  private readonly counters: Counters
  private readonly profile: Profile
  private readonly surface: FaultSurface
  private isStopped = false

  constructor(random: SeededRandom, queue: EventQueue, counters: Counters, profile: Profile, surface: FaultSurface) {
    this.random = random
    this.queue = queue
    this.counters = counters
    this.profile = profile
    this.surface = surface
  }

  start(): void {
    this.queue.plan(this.random.between(1, this.profile.faultMillis * 2), () => {
      if (this.isStopped) return
      const fault = this.random.pick(this.profile.faults)
      if (this.inflict(fault)) this.counters.add(`fault: ${fault}`)
      this.start()
    })
  }

  /** No more faults, and those of the network end. The caller restarts what is down. */
  stop(): void {
    this.isStopped = true
    this.surface.links.heal()
  }

  private later(action: () => void): void {
    this.queue.plan(this.random.between(50, this.profile.faultLastsMillisMax), () => {
      if (!this.isStopped) action()
    })
  }

  private inflict(fault: FaultKind): boolean {
    const { surface, random } = this
    const running = surface.running()
    if (running.length === 0) return false
    const victim = random.chance(40) ? (surface.leader() ?? random.pick(running)) : random.pick(running)
    switch (fault) {
      case "crash":
        this.crash(victim)
        return true
      case "crash of all":
        for (const node of running) this.crash(node)
        return true
      case "member change":
        return surface.changeMembers()
      case "wiped disk":
        return surface.wipe(victim)
      case "damaged sector":
        return this.damage(victim)
      case "leadership transfer":
        surface.node(surface.leader() ?? victim)?.transferLeadership(random.pick(surface.nodes()))
        return true
      default: {
        const node = surface.node(victim)
        return node !== undefined && this.troubleProcess(fault, node)
          ? true
          : this.disturbLinks(fault, surface.nodes(), victim)
      }
    }
  }

  /** False when the fault is not one of a process. */
  private troubleProcess(fault: FaultKind, node: SimulatedNode): boolean {
    const { random, profile } = this
    const millis = random.between(50, profile.faultLastsMillisMax)
    switch (fault) {
      case "crash while writing":
        node.disk.cutSoon()
        return true
      case "crash while applying":
        node.crashWhileApplying()
        return true
      case "planned stop":
        node.stopGracefully()
        return true
      case "pause":
        node.pause(millis)
        return true
      case "Raft thread pause":
        node.pauseRaftThread(millis)
        return true
      case "host blocked":
        node.blockHost(millis)
        return true
      case "clock jump":
        node.jumpClock(random.between(-40, 40))
        return true
      case "slow disk":
        node.stallDisk(millis)
        return true
      case "disk error":
        node.disk.failSoon("EIO")
        return true
      case "full disk":
        node.disk.failSoon("ENOSPC")
        return true
      default:
        return false
    }
  }

  /** Damage is found when the disk is read again: often that is soon. */
  private damage(node: NodeId): boolean {
    if (!this.surface.damage(node)) return false
    if (this.random.chance(60)) this.crash(node)
    return true
  }

  private crash(node: NodeId): void {
    this.surface.node(node)?.crash()
    this.later(() => this.surface.restart(node))
  }

  private disturbLinks(fault: FaultKind, nodes: ReadonlyArray<NodeId>, victim: NodeId): boolean {
    const { random, surface } = this
    const { links } = surface
    if (nodes.length < 2) return false
    const shuffled = random.shuffle(nodes)
    switch (fault) {
      case "partition": {
        const size = random.between(1, nodes.length - 1)
        links.partition(nodes, [shuffled.slice(0, size), shuffled.slice(size)])
        break
      }
      case "isolated leader":
        links.partition(nodes, [nodes.filter((node) => node !== victim)])
        break
      case "one-way partition": {
        const isMute = random.chance(50)
        for (const other of nodes) {
          if (other !== victim) links.cutLink(isMute ? victim : other, isMute ? other : victim)
        }
        break
      }
      case "chain of links":
        shuffled.forEach((from, i) =>
          shuffled.forEach((to, j) => {
            if (Math.abs(i - j) > 1) links.cutLink(from, to)
          })
        )
        break
      case "clog": {
        const [from, to] = shuffled as [NodeId, NodeId]
        links.clog(from, to)
        this.later(() => links.unclog(from, to))
        return true
      }
      case "swizzle":
        this.swizzle(shuffled)
        return true
      case "stranded leader":
        this.strand(nodes, (leader) => {
          if (random.chance(50)) this.crash(leader)
        })
        return true
      case "stranded member change":
        return this.strandChange(nodes)
      case "late answers":
        return this.delayAnswers(nodes)
      default:
        return false
    }
    this.later(() => links.heal())
    return true
  }

  /**
   * The leader reaches one other node or none for a short time, and writes what only a few will have (thesis figure 3.7).
   * Then `after` happens to it, and the links work again.
   */
  private strand(nodes: ReadonlyArray<NodeId>, after: (leader: NodeId) => void): void {
    const { random, surface } = this
    const leader = surface.leader()
    if (leader === null) return
    const others = random.shuffle(nodes.filter((node) => node !== leader))
    const kept = random.between(0, 1)
    const withLeader = [leader, ...others.slice(0, kept)]
    surface.links.partition(nodes, [withLeader, others.slice(kept)])
    this.queue.plan(random.between(20, 1500), () => {
      if (this.isStopped) return
      after(leader)
      surface.links.heal()
    })
  }

  /** Two leaders that do not know of each other both change the members, the new one as soon as it leads. */
  private strandChange(nodes: ReadonlyArray<NodeId>): boolean {
    const { surface, queue } = this
    const before = surface.leader()
    this.strand(nodes, () => {})
    if (!surface.changeMembers()) return false
    const watch = (times: number): void =>
      queue.plan(10, () => {
        if (this.isStopped || times === 0) return
        if (surface.leader() === before) watch(times - 1)
        else surface.changeMembers()
      })
    watch(150)
    return true
  }

  /**
   * What the others answer the leader is held back, and the leader sleeps, so that another leads. When it wakes up, it
   * hears first what was true before.
   */
  private delayAnswers(nodes: ReadonlyArray<NodeId>): boolean {
    const { random, queue, surface } = this
    const { links } = surface
    const leader = surface.leader()
    if (leader === null) return false
    const others = nodes.filter((node) => node !== leader)
    for (const other of others) links.clog(other, leader)
    queue.plan(random.between(20, 200), () => {
      if (this.isStopped) return
      const sleepMillis = random.between(800, 2500)
      surface.node(leader)?.pauseRaftThread(sleepMillis)
      queue.plan(sleepMillis + random.between(1, 60), () => {
        for (const other of others) links.unclog(other, leader)
      })
    })
    return true
  }

  /** FoundationDB's swizzle: links of some nodes stop one after the other, and come back in another order. */
  private swizzle(shuffled: ReadonlyArray<NodeId>): void {
    const { random, queue, surface } = this
    const some = shuffled.slice(0, random.between(1, shuffled.length))
    const pairs = some.flatMap((node) =>
      shuffled.filter((other) => other !== node).map((other) => [node, other] as const)
    )
    const stops = random.shuffle(pairs)
    stops.forEach(([from, to], i) => {
      queue.plan(i * 40, () => {
        if (this.isStopped) return
        surface.links.clog(from, to)
        surface.links.clog(to, from)
      })
    })
    random.shuffle(stops).forEach(([from, to], i) => {
      queue.plan(stops.length * 40 + 200 + i * 40, () => {
        surface.links.unclog(from, to)
        surface.links.unclog(to, from)
      })
    })
  }
}
