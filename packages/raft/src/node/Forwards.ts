/**
 * Proposals that other nodes forwarded here. A network that doubles a message must not have the first copy accepted and
 * the second refused: whoever proposed would be told that nothing happened.
 */
import type { Context } from "../core/Types.ts"
import { Limits } from "../Limits.ts"

export class Forwards {
  private readonly contexts = new Set<Context>()

  /** Whether this one came before, as far back as is remembered. */
  isRepeated(context: Context): boolean {
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
