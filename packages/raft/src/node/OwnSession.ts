/**
 * The session in which a node proposes the commands of its host (thesis 6.3). It is opened when the first one comes, and
 * again when it expired: others used theirs while this one was idle.
 */
import type { Index } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import { number, unnumber } from "./Proposal.ts"
import type { Proposal } from "./Proposal.ts"
import type { ProposalTable } from "./ProposalTable.ts"
import type { SessionId } from "./Sessions.ts"

export class OwnSession {
  /** On its way. */
  opening: Proposal | null = null
  private readonly table: ProposalTable
  private session: SessionId | null = null
  private serials = 0
  /** In the order in which they came. */
  private readonly waiting = new Set<Proposal>()

  constructor(table: ProposalTable) {
    this.table = table
  }

  get unnumbered(): Iterable<Proposal> {
    return this.waiting
  }

  get isWaiting(): boolean {
    return this.waiting.size > 0
  }

  get needsOpening(): boolean {
    return this.isWaiting && this.session === null && this.opening === null
  }

  wait(proposal: Proposal): void {
    this.waiting.add(proposal)
  }

  forget(proposal: Proposal): void {
    this.waiting.delete(proposal)
  }

  opened(index: Index): void {
    this.session = index
    this.serials = 0
    this.opening = null
  }

  /** Numbers what waits, as far as the session may be ahead of its acknowledged answers. */
  numbered(): ReadonlyArray<Proposal> {
    const { session } = this
    if (session === null) return []
    const acknowledged = this.table.lowestSerial(session) ?? this.serials + 1
    const numbered: Array<Proposal> = []
    for (const proposal of this.waiting) {
      if (this.serials + 1 - acknowledged >= Limits.node.serialsInFlightMax) break
      this.waiting.delete(proposal)
      number(proposal, session, ++this.serials, acknowledged)
      if (proposal.key !== null) this.table.add(proposal.key, proposal)
      numbered.push(proposal)
    }
    return numbered
  }

  /** The state machine does not know the session of this proposal any more. Says whether it was one of this node's. */
  expired({ askers, key }: Proposal): boolean {
    if (key?.kind === "Command" && key.session === this.session) this.session = null
    return askers[0]?.to === "host"
  }

  /** It gets a number in the next session. */
  renumber(proposal: Proposal): void {
    unnumber(proposal)
    this.waiting.add(proposal)
  }
}
