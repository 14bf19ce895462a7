/**
 * A network that may do everything that Raft claims to stand: lose, delay, reorder and duplicate messages, cut links in one
 * direction or in both, and hold a link's messages back to release them later all at once.
 */

import type { NodeId } from "../../core/Types.ts"
import type { SeededRandom } from "../SeededRandom.ts"
import type { Counters } from "./Counters.ts"
import type { EventQueue } from "./EventQueue.ts"

/** How bad the links are while the faults last. */
export interface LinkQuality {
  readonly lossPercent: number
  readonly duplicatePercent: number
  readonly delayMillisMin: number
  readonly delayMillisMax: number
  /** Messages that take far longer than the others, and so arrive out of order. */
  readonly stragglerPercent: number
  readonly stragglerMillisMax: number
}

export const calm: LinkQuality = {
  lossPercent: 0,
  duplicatePercent: 0,
  delayMillisMin: 1,
  delayMillisMax: 4,
  stragglerPercent: 0,
  stragglerMillisMax: 0
}

export class Network<Message> {
  private readonly cut = new Set<string>()
  private readonly clogged = new Map<string, Array<() => void>>()
  private readonly random: SeededRandom
  private readonly queue: EventQueue
  private readonly counters: Counters
  private readonly deliver: (from: NodeId, to: NodeId, message: Message) => void
  quality: LinkQuality = calm

  constructor(
    random: SeededRandom,
    queue: EventQueue,
    counters: Counters,
    deliver: (from: NodeId, to: NodeId, message: Message) => void
  ) {
    this.random = random
    this.queue = queue
    this.counters = counters
    this.deliver = deliver
  }

  send(from: NodeId, to: NodeId, message: Message): void {
    const link = `${from}>${to}`
    const { random, quality, counters } = this
    if (this.cut.has(link)) {
      counters.add("network: cut")
      return
    }
    if (random.chance(quality.lossPercent)) {
      counters.add("network: lost")
      return
    }
    this.transmit(link, from, to, message)
    if (random.chance(quality.duplicatePercent)) {
      counters.add("network: duplicated")
      this.transmit(link, from, to, message)
    }
  }

  private transmit(link: string, from: NodeId, to: NodeId, message: Message): void {
    const { random, quality, counters } = this
    let delay = random.between(quality.delayMillisMin, quality.delayMillisMax)
    if (random.chance(quality.stragglerPercent)) {
      counters.add("network: straggler")
      delay += random.between(1, quality.stragglerMillisMax)
    }
    this.queue.plan(delay, () => {
      const held = this.clogged.get(link)
      if (held === undefined) {
        // What was under way when the link was cut is lost as well, more often than not.
        if (this.cut.has(link) && random.chance(70)) counters.add("network: cut")
        else this.deliver(from, to, message)
      } else {
        counters.add("network: clogged")
        held.push(() => this.deliver(from, to, message))
      }
    })
  }

  /** Nothing passes between nodes of different groups; nodes in no group are alone. */
  partition(nodes: ReadonlyArray<NodeId>, groups: ReadonlyArray<ReadonlyArray<NodeId>>): void {
    const groupOf = (node: NodeId): number => groups.findIndex((group) => group.includes(node))
    for (const from of nodes) {
      for (const to of nodes) {
        if (from !== to && (groupOf(from) === -1 || groupOf(from) !== groupOf(to))) this.cutLink(from, to)
      }
    }
  }

  cutLink(from: NodeId, to: NodeId): void {
    this.cut.add(`${from}>${to}`)
  }

  clog(from: NodeId, to: NodeId): void {
    const link = `${from}>${to}`
    if (!this.clogged.has(link)) this.clogged.set(link, [])
  }

  /** Releases what was held back, in the order of arrival. */
  unclog(from: NodeId, to: NodeId): void {
    const link = `${from}>${to}`
    const held = this.clogged.get(link)
    this.clogged.delete(link)
    for (const release of held ?? []) this.queue.plan(0, release)
  }

  /** Every link works again; what is held back is released. */
  heal(): void {
    this.cut.clear()
    for (const link of [...this.clogged.keys()]) {
      const [from, to] = link.split(">") as [NodeId, NodeId]
      this.unclog(from, to)
    }
  }
}
