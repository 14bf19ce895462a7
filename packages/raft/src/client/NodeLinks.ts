/** A client's connections: one to each node, and the knowledge which of them leads. */
import { backoffMillis } from "@nxmesh/core/policy/Backoff"
import type { NodeId } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { Answer, Call } from "../transport/Call.ts"
import type { Caller, Connector } from "../transport/Caller.ts"
import type { Environment } from "../transport/Environment.ts"
import type { Address } from "../transport/Transport.ts"

export interface NodeLinksEvents {
  /** Calls may be made that could not before. */
  readonly ready: () => void
  readonly answered: (number: number, answer: Answer) => void
  /** Answers to what was asked of this one will not come. */
  readonly lost: (link: NodeLink) => void
}

export interface NodeLinksOptions {
  readonly addresses: ReadonlyArray<Address>
  readonly connector: Connector
  readonly environment: Environment
}

/** The connection to one address, which is opened again whenever it ends. */
export class NodeLink {
  /** Who answers there; `null`: nobody does. */
  node: NodeId | null = null
  /** Why there was no connection the last time. */
  failure: Error | null = null
  private caller: Caller
  private retries = 0
  private isClosed = false

  constructor(
    address: Address,
    { connector, environment }: NodeLinksOptions,
    events: NodeLinksEvents & { readonly opened: (link: NodeLink) => void }
  ) {
    const open = (): Caller =>
      connector(address, {
        ready: (node) => {
          this.node = node
          this.retries = 0
          events.opened(this)
        },
        answered: events.answered,
        closed: (failure) => {
          this.node = null
          this.failure = failure
          events.lost(this)
          const delayMillis = backoffMillis(Limits.client.reconnect, this.retries++, environment.random())
          environment.after(delayMillis, () => {
            if (!this.isClosed) this.caller = open()
          })
        }
      })
    this.caller = open()
  }

  call(number: number, call: Call): void {
    this.caller.call(number, call)
  }

  close(): void {
    this.isClosed = true
    this.caller.close()
  }
}

export class NodeLinks {
  private readonly links: ReadonlyArray<NodeLink>
  private readonly environment: Environment
  private readonly nextNumber: () => number
  private leader: NodeId | null = null
  /** Questions who leads, by number: at most one for each link counts. */
  private readonly asked = new Map<NodeLink, number>()
  private turn = 0
  private cancel: () => void

  constructor(options: NodeLinksOptions, nextNumber: () => number, events: NodeLinksEvents) {
    this.environment = options.environment
    this.nextNumber = nextNumber
    const own = {
      opened: (link: NodeLink) => {
        this.ask(link)
        events.ready()
      },
      ready: events.ready,
      answered: (number: number, answer: Answer) => {
        if (answer._tag === "Described" && this.heard(number, answer.leader)) return
        events.answered(number, answer)
      },
      lost: (link: NodeLink) => {
        this.asked.delete(link)
        if (this.leaderLink === undefined) this.leader = null
        events.lost(link)
      }
    }
    this.links = options.addresses
      .slice(0, Limits.client.nodesMax)
      .map((address) => new NodeLink(address, options, own))
    this.cancel = this.environment.after(Limits.client.searchMillis, () => this.search())
  }

  /** Why nobody answers, for people. */
  get problem(): string {
    return this.links.map(({ failure }) => failure?.message).find((message) => message !== undefined) ?? "connecting"
  }

  /** To whom the next attempt goes: the leader, or any other one, which passes it on; after a failure not the same. */
  pick(last: NodeLink | null): NodeLink | null {
    const leader = this.leaderLink
    if (leader !== undefined && leader !== last) return leader
    const { length } = this.links
    for (let i = 0; i < length; i++) {
      const link = this.links[++this.turn % length]
      if (link !== undefined && link.node !== null && link !== last) return link
    }
    return last !== null && last.node !== null ? last : null
  }

  /** Somebody said who leads. */
  hint(leader: NodeId | null): void {
    if (leader !== null) this.leader = leader
  }

  close(): void {
    this.cancel()
    for (const link of this.links) link.close()
  }

  private get leaderLink(): NodeLink | undefined {
    return this.leader === null ? undefined : this.links.find(({ node }) => node === this.leader)
  }

  private ask(link: NodeLink): void {
    const number = this.nextNumber()
    this.asked.set(link, number)
    link.call(number, { _tag: "Describe" })
  }

  private heard(number: number, leader: NodeId | null): boolean {
    const entry = [...this.asked].find(([, asked]) => asked === number)
    if (entry === undefined) return false
    const [link] = entry
    this.asked.delete(link)
    // Only the leader itself knows that it is not any more.
    if (leader !== null || link.node === this.leader) this.leader = leader
    return true
  }

  private search(): void {
    const leader = this.leaderLink
    for (const link of leader === undefined ? this.links : [leader]) if (link.node !== null) this.ask(link)
    const millis = leader === undefined ? Limits.client.searchMillis : Limits.client.describeMillis
    this.cancel = this.environment.after(millis, () => this.search())
  }
}
