/**
 * One node of a cluster, as it runs in the Raft thread: the algorithm and everything that has to go on while the host's
 * thread is busy. It knows no thread, socket, file or clock, so that production and simulation run the same code.
 */
import type { Input } from "../core/Input.ts"
import type { Message } from "../core/Message.ts"
import type { Ready } from "../core/Ready.ts"
import type { Recovered, State } from "../core/State.ts"
import type { NodeId } from "../core/Types.ts"
import type { StorageError } from "../storage/StorageError.ts"
import type { Answer, Call } from "../transport/Call.ts"
import type { HostMessage, HostRequest } from "./HostMessage.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import type { NodeStorage } from "./NodeStorage.ts"
import type { Status } from "./Status.ts"

export interface ReplicaPorts {
  readonly storage: NodeStorage
  readonly send: (message: Message) => void
  readonly host: (request: HostRequest) => void
  /** Of a clock that never goes back. */
  readonly nowMillis: () => number
  /** Runs `action` once what arrives in this turn of the event loop has arrived: proposals gather meanwhile. */
  readonly later: (action: () => void) => void
  /** The node cannot go on; called once, and nothing is sent afterwards. The process has to end. */
  readonly stopped: (failure: Error) => void
  /** Sees every step before anything of it is carried out; for simulation and metrics. */
  readonly observe: (before: State, input: Input, after: State, ready: Ready) => void
}

/** What is recovered from storage and from the state machine, without what the options say. */
export type Start = Pick<Recovered, "seed" | "hardState" | "snapshot" | "base" | "entries" | "applied">

export declare class Replica {
  /** Throws RaftFailure when what was recovered cannot be one node's. */
  constructor(options: NodeOptions, start: Start, ports: ReplicaPorts)
  /** Every `tickMillis`; how late it is, the clock says. */
  tick(): void
  /** From a peer. */
  receive(message: Message): void
  unreachable(peer: NodeId): void
  /** From a client on the network. */
  call(call: Call, reply: (answer: Answer) => void): void
  /** From the host's thread. */
  hear(message: HostMessage): void
  /** From storage: as StorageListener. */
  durable(sequence: number, logBytes: number): void
  failed(failure: StorageError): void
  status(): Status
  /** Hands over leadership if it has it, refuses what waits, and stops. */
  close(done: () => void): void
}
