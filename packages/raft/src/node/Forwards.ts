/**
 * Proposals that other nodes forwarded here. A network that doubles a message must not have the first copy accepted and
 * the second refused: whoever proposed would be told that nothing happened.
 */
import type { Message, ProposeRequest } from "../core/Message.ts"
import type { State } from "../core/State.ts"
import type { Context } from "../core/Types.ts"
import { Limits } from "../Limits.ts"

export interface ForwardsPorts {
  readonly state: () => State
  readonly send: (message: Message) => void
  /** A leader with a full log takes no proposals. */
  readonly isFull: () => boolean
}

export class Forwards {
  private readonly ports: ForwardsPorts
  private readonly contexts = new Set<Context>()

  constructor(ports: ForwardsPorts) {
    this.ports = ports
  }

  /** Whether it may go to the core; if not, it came before, or it is refused. */
  admits({ context, from }: ProposeRequest): boolean {
    if (this.isRepeated(context)) return false
    if (!this.ports.isFull()) return true
    const { id, leader, term } = this.ports.state()
    const result = { _tag: "Refused", context, reason: "TooMuchUncommitted", leader } as const
    this.ports.send({ _tag: "ProposeResponse", from: id, to: from, term, result })
    return false
  }

  /** As far back as is remembered. */
  private isRepeated(context: Context): boolean {
    if (this.contexts.has(context)) return true
    this.contexts.add(context)
    if (this.contexts.size > Limits.node.forwardsRemembered) {
      for (const oldest of this.contexts) {
        this.contexts.delete(oldest)
        break
      }
    }
    return false
  }
}
