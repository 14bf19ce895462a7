/** Does to a cluster what its profile says, at random times, until it is told to stop. */

import type { NodeId } from "../../core/Types.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"
import type { FaultKind, Profile } from "./Profile.ts"

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
  readonly crash: (node: NodeId) => void
  /** As soon as it has written what is not yet durable. */
  readonly crashWhileWriting: (node: NodeId) => void
  /** Nothing happens to one that runs. */
  readonly restart: (node: NodeId) => void
  readonly pause: (node: NodeId, millis: number) => void
  /** Forward: ticks at once. Backward (negative): so many ticks are left out. */
  readonly jumpClock: (node: NodeId, ticks: number) => void
  readonly stallDisk: (node: NodeId, millis: number) => void
  /** The next write fails, which stops the process. */
  readonly failDisk: (node: NodeId) => void
  readonly transferLeadership: (to: NodeId) => void
  /** Returns whether there was something to change and someone to ask. */
  readonly changeMembers: () => boolean
  /** The disk is gone for good; false when that would cost the cluster its quorum. */
  readonly wipe: (node: NodeId) => boolean
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
    const { surface, random, profile } = this
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
      case "crash while writing":
        surface.crashWhileWriting(victim)
        return true
      case "pause":
        surface.pause(victim, random.between(50, profile.faultLastsMillisMax))
        return true
      case "clock jump":
        surface.jumpClock(victim, random.between(-40, 40))
        return true
      case "slow disk":
        surface.stallDisk(victim, random.between(50, profile.faultLastsMillisMax))
        return true
      case "disk error":
        surface.failDisk(victim)
        return true
      case "member change":
        return surface.changeMembers()
      case "wiped disk":
        return surface.wipe(victim)
      case "leadership transfer":
        surface.transferLeadership(random.pick(surface.nodes()))
        return true
      default:
        return this.disturbLinks(fault, surface.nodes(), victim)
    }
  }

  private crash(node: NodeId): void {
    this.surface.crash(node)
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
        this.strand(nodes, () => {})
        return surface.changeMembers()
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
