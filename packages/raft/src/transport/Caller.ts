/** A client's connection to one node. */
import type { NodeId } from "../core/Types.ts"
import type { Answer, Call } from "./Call.ts"
import type { Address } from "./Transport.ts"

export interface Caller {
  /** Best effort, from `ready` on: an answer that does not come is asked for again, on another connection if need be. */
  readonly call: (number: number, call: Call) => void
  /** Nothing is told any more. */
  readonly close: () => void
}

export interface CallerListener {
  /** This node answers; calls may be made. */
  readonly ready: (node: NodeId) => void
  readonly answered: (number: number, answer: Answer) => void
  /** There is no connection, or none any more: what was not answered never will be. Called once. */
  readonly closed: (failure: Error) => void
}

/** Begins to connect and returns at once; nothing is told before it has returned. */
export type Connector = (address: Address, listener: CallerListener) => Caller
