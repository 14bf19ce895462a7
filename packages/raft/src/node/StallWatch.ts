/**
 * Watches the disk and the host's thread. Whoever cannot keep up should not lead: it hands over and declines to lead until
 * it can; a host that does not come back ends the process. Heartbeats go on meanwhile, so this is no election.
 */
import { Limits } from "../Limits.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import type { Status } from "./Status.ts"

export interface Delays {
  /** Of the oldest append without its flush. */
  readonly flushMillis: number
  /** Of the oldest ping without its answer, or of the oldest committed entry that is not applied. */
  readonly hostMillis: number
}

/** Why a node should not lead; `null`: nothing speaks against it. */
export const declineReason = (
  { flushMillis, hostMillis }: Delays,
  { flushStallMillis, hostStallMillis }: Pick<NodeOptions, "flushStallMillis" | "hostStallMillis">
): Status["declines"] => {
  if (flushMillis >= flushStallMillis) return "DiskStalls"
  return hostMillis >= hostStallMillis ? "HostStalls" : null
}

/** Asks the host's thread, from time to time, whether it is blocked. All times are awake time. */
export class HostPing {
  private number = 0
  private sentMillis = Number.NEGATIVE_INFINITY
  private isAnswered = true

  /** The number to ask with now, if any: one question at a time. */
  next(nowMillis: number): number | null {
    if (!this.isAnswered || nowMillis - this.sentMillis < Limits.node.pingMillis) return null
    this.sentMillis = nowMillis
    this.isAnswered = false
    return ++this.number
  }

  answered(number: number): void {
    if (number === this.number) this.isAnswered = true
  }

  /** How long the host has not answered; 0: it has. */
  unansweredMillis(nowMillis: number): number {
    return this.isAnswered ? 0 : nowMillis - this.sentMillis
  }
}
