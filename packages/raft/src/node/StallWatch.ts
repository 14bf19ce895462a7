/**
 * Watches the disk, the host's thread and this one. Whoever cannot keep up should not lead: it hands over (thesis 3.10) and
 * declines to lead until it can; a host that does not come back ends the process. Heartbeats go on meanwhile, so that a
 * stall is no election.
 */
import type { Input } from "../core/Input.ts"
import type { State } from "../core/State.ts"
import type { AwakeClock } from "./AwakeClock.ts"
import { successor } from "./Handover.ts"
import { HostPing } from "./HostPing.ts"
import type { HostRequest } from "./HostMessage.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import type { Status } from "./Status.ts"

export interface Delays {
  /** Of the oldest append without its flush. */
  readonly flushMillis: number
  /** Of the oldest ping without its answer, or of the oldest committed entry that is not applied. */
  readonly hostMillis: number
  /** How long it has neither answered a ping nor applied anything: late is not lost. */
  readonly hostSilentMillis: number
}

/** Why a node should not lead; `null`: nothing speaks against it. */
export const declineReason = (
  { flushMillis, hostMillis }: Pick<Delays, "flushMillis" | "hostMillis">,
  { flushStallMillis, hostStallMillis }: Pick<NodeOptions, "flushStallMillis" | "hostStallMillis">
): Status["declines"] => {
  if (flushMillis >= flushStallMillis) return "DiskStalls"
  return hostMillis >= hostStallMillis ? "HostStalls" : null
}

export interface StallWatchPorts {
  readonly host: (request: HostRequest) => void
  readonly state: () => State
  readonly feed: (input: Input) => void
  /** Since when the oldest append waits for its flush, in awake time; `null`: none waits. */
  readonly oldestFlush: () => number | null
  /** Since when the oldest committed entry waits to be applied, in awake time; `null`: none waits. */
  readonly oldestApply: () => number | null
  /** Since when the host has applied nothing of what it has to apply, in awake time; `null`: it has nothing to apply. */
  readonly stuckApply: () => number | null
  /** The host has not moved for so long. */
  readonly hostLost: (millis: number) => void
}

export class StallWatch {
  /** How often leadership was given away for a stall. */
  handovers = 0
  declines: Status["declines"] = null
  private readonly ping = new HostPing()
  private readonly options: NodeOptions
  private readonly clock: AwakeClock
  private readonly ports: StallWatchPorts

  constructor(options: NodeOptions, clock: AwakeClock, ports: StallWatchPorts) {
    this.options = options
    this.clock = clock
    this.ports = ports
  }

  get delays(): Delays {
    const now = this.clock.millis
    const since = (millis: number | null): number => (millis === null ? 0 : now - millis)
    const unansweredMillis = this.ping.unansweredMillis(now)
    return {
      flushMillis: since(this.ports.oldestFlush()),
      hostMillis: Math.max(unansweredMillis, since(this.ports.oldestApply())),
      hostSilentMillis: Math.max(unansweredMillis, since(this.ports.stuckApply()))
    }
  }

  tick(): void {
    const { delays } = this
    if (delays.hostSilentMillis >= this.options.hostLostMillis) {
      this.ports.hostLost(delays.hostSilentMillis)
      return
    }
    this.decide(declineReason(delays, this.options))
    const ping = this.ping.next(this.clock.millis)
    if (ping !== null) this.ports.host({ kind: "ping", number: ping })
  }

  pong(number: number): void {
    this.ping.answered(number)
  }

  /** To the most complete of the others that answer; tried again as long as this node leads. */
  handOver(): void {
    const state = this.ports.state()
    const to = state.transfer === null ? successor(state) : null
    if (to !== null) this.ports.feed({ _tag: "TransferLeadership", to })
  }

  /** Whoever slept may have been replaced: a lease for which ticks still count proves nothing (thesis 6.4.1). */
  distrustLease(nowMillis: number): void {
    if (this.options.core.reads !== "Lease" || this.ports.state().role !== "Leader") return
    if (this.clock.outlivesLease(nowMillis)) this.ports.feed({ _tag: "StepDown" })
  }

  private decide(reason: Status["declines"]): void {
    if ((reason === null) !== (this.declines === null)) {
      if (reason !== null && this.ports.state().role === "Leader") this.handovers++
      this.ports.feed({ _tag: "RefuseLeadership", refuse: reason !== null })
    }
    this.declines = reason
    if (reason !== null) this.handOver()
  }
}
