/**
 * Changes that not every agent serves yet, for the metric of convergence. Pure: whoever keeps it says what time it is. Bounded
 * by pairs of a change and an agent; past the bound the oldest changes are given up.
 */
import type { AgentId } from "@nxmesh/protocol/Ids"

interface Open {
  readonly beganMillis: number
  readonly waiting: Set<AgentId>
}

export class OpenChanges {
  /** In the order of the log. */
  private readonly changes = new Map<number, Open>()
  private readonly pairsMax: number
  private pairs = 0

  constructor(pairsMax: number) {
    this.pairsMax = pairsMax
  }

  get size(): number {
    return this.changes.size
  }

  /** The change at this index of the log, which these agents are to serve. Answers how many others were given up for it. */
  opened(index: number, agentIds: Iterable<AgentId>, beganMillis: number): number {
    this.close(index)
    const waiting = new Set(agentIds)
    if (waiting.size === 0) return 0
    this.changes.set(index, { beganMillis, waiting })
    this.pairs += waiting.size
    let given = 0
    for (const oldest of this.changes.keys()) {
      if (this.pairs <= this.pairsMax) break
      this.close(oldest)
      given += 1
    }
    return given
  }

  /** The agent serves all that it should: for how long each change was open that it was the last one of, in milliseconds. */
  settled(agentId: AgentId, nowMillis: number): ReadonlyArray<number> {
    const closed: Array<number> = []
    for (const [index, { beganMillis, waiting }] of this.changes) {
      if (!waiting.delete(agentId)) continue
      this.pairs -= 1
      if (waiting.size > 0) continue
      this.changes.delete(index)
      closed.push(Math.max(0, nowMillis - beganMillis))
    }
    return closed
  }

  /** Gives up what is older; answers how many. */
  expire(beforeMillis: number): number {
    let given = 0
    for (const [index, { beganMillis }] of this.changes) {
      if (beganMillis >= beforeMillis) continue
      this.close(index)
      given += 1
    }
    return given
  }

  clear(): void {
    this.changes.clear()
    this.pairs = 0
  }

  private close(index: number): void {
    this.pairs -= this.changes.get(index)?.waiting.size ?? 0
    this.changes.delete(index)
  }
}
