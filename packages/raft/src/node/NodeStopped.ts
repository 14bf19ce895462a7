/** Why a node cannot go on. The process has to end; what was acknowledged is safe, on this node's disk and on others. */
import { Data, Effect } from "effect"

export type StopReason =
  /** A write or a flush failed, or what was durable is damaged. */
  | "StorageFailed"
  /** The state machine failed. */
  | "HostFailed"
  /** The host's thread did not answer for `hostLostMillis`. */
  | "HostLost"
  /** Twice as much log as `logBytesMax`: this node's snapshots fail. */
  | "LogOverfull"
  /** An assumption of the algorithm does not hold. */
  | "RaftFailed"
  /** The port cannot be opened, or the certificate not be used. */
  | "NetworkFailed"
  /** The Raft thread crashed. */
  | "ThreadFailed"
  /** Nothing is wrong: it was closed. */
  | "Closed"

const advice: Readonly<Record<StopReason, string>> = {
  StorageFailed: "See what the storage says about it.",
  HostFailed:
    "Start the node again. If it repeats, the state machine rejects an entry of the log: keep the data directory and report it.",
  HostLost:
    "The main thread was blocked, or could not keep up: look for long synchronous work and for a machine without memory or processor time. Start the node again.",
  LogOverfull:
    "Mend what keeps the state machine's snapshots from being made (is the disk full?), then start the node again.",
  RaftFailed: "Do not delete files. Keep the data directory, report it, and let this node join again under a new name.",
  NetworkFailed: "See what the network says about it.",
  ThreadFailed: "Start the node again. If it repeats, look for a machine without memory, and report it.",
  Closed: "Start it again to use it."
}

export class NodeStopped extends Data.TaggedError("NodeStopped")<{
  readonly reason: StopReason
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `The node stops (${this.reason}): ${this.detail.replace(/\.$/, "")}. ${advice[this.reason]}`
  }
}

/** Work on a storage that no node has open. */
export const attemptOnStorage = <A>(work: () => A): Effect.Effect<A, NodeStopped> =>
  Effect.try({
    try: work,
    catch: (cause) =>
      new NodeStopped({
        reason: "StorageFailed",
        detail: cause instanceof Error ? cause.message : String(cause),
        cause
      })
  })
