/**
 * The host's side of a node: owns the state machine, applies what is committed, answers whoever waits in this thread. As
 * Replica.ts, it knows no thread and no clock.
 */
import type { Effect, Exit } from "effect"
import type { Index, NodeId } from "../core/Types.ts"
import type { Failure, HostMessage, HostRequest } from "./HostMessage.ts"
import type { StateMachine } from "./StateMachine.ts"
import type { Status } from "./Status.ts"

export interface HostPorts {
  /** To the Raft thread. */
  readonly tell: (message: HostMessage) => void
  /** Runs an effect of the state machine; `done` is not called any more when the node has stopped. */
  readonly run: <A>(effect: Effect.Effect<A, unknown>, done: (exit: Exit.Exit<A, unknown>) => void) => void
  readonly status: (status: Status) => void
  readonly stopped: (failure: Error) => void
}

/** How what the host asked for ended. */
export type Reply<A> = (outcome: { readonly _tag: "Done"; readonly value: A } | Failure) => void

export declare class Host {
  constructor(machine: StateMachine, ports: HostPorts)
  readonly applied: Index
  /** Executed once, whatever happens to leaders, unless the outcome is `Unknown`. */
  propose(
    data: Uint8Array,
    timeoutMillis: number,
    reply: Reply<{ readonly index: Index; readonly result: Uint8Array }>
  ): void
  /** After `Done` the state machine has applied all that was committed when this was called (thesis 6.4). */
  read(timeoutMillis: number, reply: Reply<Index>): void
  changeMembers(
    change: {
      readonly voters: ReadonlyArray<NodeId>
      readonly learners: ReadonlyArray<NodeId>
      readonly expectedIndex: Index | null
    },
    timeoutMillis: number,
    reply: Reply<Index>
  ): void
  transferLeadership(to: NodeId): void
  hear(request: HostRequest): void
}
