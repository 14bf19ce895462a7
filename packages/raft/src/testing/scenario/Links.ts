/** The network of a scenario: messages wait in their links, in the order of sending, until they are delivered. */
import type { Message } from "../../core/Message.ts"
import type { NodeId } from "../../core/Types.ts"
import { linkOf } from "./Description.ts"

export class Links {
  private readonly cuts = new Set<string>()
  /** What is for them waits. */
  private readonly paused = new Set<NodeId>()
  private late: Array<Message> = []
  private waiting: ReadonlyArray<Message> = []

  isCut(message: Message): boolean {
    return this.cuts.has(linkOf(message))
  }

  post(message: Message): void {
    if (!this.isCut(message)) this.waiting = [...this.waiting, message]
  }

  /** Takes what can be delivered, of one link or of all: the oldest `count`, or all of it. */
  take(link?: string, count = Number.POSITIVE_INFINITY): ReadonlyArray<Message> {
    const taken = this.waiting
      .filter((message) => !this.paused.has(message.to) && (link === undefined || linkOf(message) === link))
      .slice(0, count)
    this.waiting = this.waiting.filter((message) => !taken.includes(message))
    return taken
  }

  delay(link?: string, count?: number): void {
    this.late = [...this.late, ...this.take(link, count)]
  }

  arrive(): void {
    for (const message of this.late.splice(0)) this.post(message)
  }

  duplicate(link: string): void {
    const copies = this.waiting.filter((message) => linkOf(message) === link).map((message) => ({ ...message }))
    this.waiting = [...this.waiting, ...copies]
  }

  reverse(link?: string): void {
    const taken = this.take(link)
    this.waiting = [...this.waiting, ...taken.toReversed()]
  }

  /** Flips a bit of what chunks of snapshots carry. */
  corrupt(link: string): void {
    this.waiting = this.waiting.map((message) => {
      if (message._tag !== "SnapshotChunk" || linkOf(message) !== link) return message
      const data = message.data.slice()
      data[0] = (data[0] ?? 0) ^ 1
      return { ...message, data }
    })
  }

  pause(id: NodeId): void {
    this.paused.add(id)
  }

  resume(id: NodeId): void {
    this.paused.delete(id)
  }

  isPaused(id: NodeId): boolean {
    return this.paused.has(id)
  }

  /** One direction: `m1>m2`. What waits in it is lost. */
  cut(link: string): void {
    this.cuts.add(link)
    this.waiting = this.waiting.filter((message) => !this.isCut(message))
  }

  heal(): void {
    this.cuts.clear()
  }

  /** Cuts every link that `connects` does not want. */
  keepOnly(ids: ReadonlyArray<NodeId>, connects: (from: NodeId, to: NodeId) => boolean): void {
    for (const from of ids) for (const to of ids) if (from !== to && !connects(from, to)) this.cut(`${from}>${to}`)
  }
}
