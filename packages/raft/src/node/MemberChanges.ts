/** Changes of members that wait until they are committed (thesis 4). Only the leader takes them, one at a time. */
import type { ProposeConfiguration } from "../core/Input.ts"
import type { Accepted, RefusalReason } from "../core/Ready.ts"
import type { Context, Entry, Index, NodeId } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { Leadership } from "./Attempts.ts"
import type { Failure } from "./HostMessage.ts"
import type { Asker } from "./Proposal.ts"

export interface MemberChange {
  readonly voters: ReadonlyArray<NodeId>
  readonly learners: ReadonlyArray<NodeId>
  readonly expectedIndex: Index | null
}

export interface MemberChangePorts {
  readonly feed: (input: ProposeConfiguration) => void
  readonly changed: (asker: Asker, accepted: Accepted) => void
  readonly fail: (asker: Asker, failure: Failure) => void
  readonly unique: () => string
  readonly leadership: () => Leadership
}

interface Waiting {
  readonly asker: Asker
  readonly deadlineMillis: number
  accepted: Accepted | null
}

export class MemberChanges {
  private readonly ports: MemberChangePorts
  private readonly waiting = new Map<Context, Waiting>()

  constructor(ports: MemberChangePorts) {
    this.ports = ports
  }

  add(asker: Asker, change: MemberChange, deadlineMillis: number): void {
    if (this.waiting.size >= Limits.node.memberChangesMax) {
      this.fail(asker, "ConfigurationInProgress", this.ports.leadership().leader)
      return
    }
    const context = this.ports.unique()
    this.waiting.set(context, { asker, deadlineMillis, accepted: null })
    const { expectedIndex, learners, voters } = change
    this.ports.feed({ _tag: "ProposeConfiguration", context, voters, learners, autoLeave: true, expectedIndex })
  }

  accepted(accepted: Accepted): void {
    const waiting = this.waiting.get(accepted.context)
    if (waiting !== undefined) waiting.accepted = accepted
  }

  refused(context: Context, reason: RefusalReason, leader: NodeId | null): void {
    const waiting = this.waiting.get(context)
    if (waiting === undefined) return
    this.waiting.delete(context)
    this.fail(waiting.asker, reason, leader)
  }

  /** Index and term say whether it is the entry that was accepted. Another one in its place: the change is undone. */
  committed({ index, term }: Entry): void {
    if (this.waiting.size === 0) return
    for (const [context, { accepted, asker }] of this.waiting) {
      if (accepted?.last !== index) continue
      this.waiting.delete(context)
      if (accepted.term === term) this.ports.changed(asker, accepted)
      else this.fail(asker, "LeadershipLost", this.ports.leadership().leader)
    }
  }

  expire(nowMillis: number): void {
    for (const [context, { asker, deadlineMillis }] of this.waiting) {
      if (deadlineMillis > nowMillis) continue
      this.waiting.delete(context)
      this.ports.fail(asker, { _tag: "Unknown", reason: "TimedOut" })
    }
  }

  close(): void {
    for (const { asker } of this.waiting.values()) this.ports.fail(asker, { _tag: "Unknown", reason: "Stopped" })
    this.waiting.clear()
  }

  private fail(asker: Asker, reason: RefusalReason, leader: NodeId | null): void {
    this.ports.fail(asker, { _tag: "Refused", reason, leader })
  }
}
