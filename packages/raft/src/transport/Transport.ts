/**
 * How nodes reach each other and clients reach nodes. Nothing waits: a message that does not fit what may wait for its
 * peer is dropped, as a network would drop it, and the algorithm repairs it. So a slow or dead peer costs the others
 * nothing.
 */
import type { Message } from "../core/Message.ts"
import type { NodeId } from "../core/Types.ts"
import type { Answer, Call } from "./Call.ts"

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Transport {
  /** Best effort. */
  readonly send: (message: Message) => void
  /** Where the others are. Replaces what was known: connections to those that moved or are gone end. */
  readonly setPeers: (peers: ReadonlyMap<NodeId, Address>) => void
  /** Ends every connection; resolves when all are closed. */
  readonly close: () => Promise<void>
}

export interface TransportListener {
  /** From whom it says: the transport has checked that. */
  readonly received: (message: Message) => void
  /** Messages to this peer were lost: its connection ended, or too much waited for it. */
  readonly unreachable: (peer: NodeId) => void
  /** A client asks. `reply` is called at most once, at any time later; the client may be gone by then. */
  readonly called: (call: Call, reply: (answer: Answer) => void) => void
}
