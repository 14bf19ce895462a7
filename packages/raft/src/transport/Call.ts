/**
 * What a client asks of a node over the network, on the same port and with the same identities as the nodes: any member
 * takes a call and, when it does not lead, passes it on to the leader. A client that gets no answer asks again, through
 * whichever node, with the same session and serial: the command is executed once (thesis 6.3).
 */
import type { Failure } from "../node/HostMessage.ts"
import type { SessionId } from "../node/Sessions.ts"
import type { Configuration, Index, NodeId } from "../core/Types.ts"

export type Call =
  /** A session for commands that are executed once. Answered by `Opened`. */
  | { readonly _tag: "OpenSession" }
  /** Answered by `Applied`. */
  | {
      readonly _tag: "Propose"
      readonly session: SessionId
      /** From 1; a retry repeats it. */
      readonly serial: number
      /** The client has the answers to all serials below. */
      readonly acknowledged: number
      readonly data: Uint8Array
    }
  /** A linearizable read, which leaves no entry in the log (thesis 6.4). Answered by `Answered`. */
  | { readonly _tag: "Query"; readonly data: Uint8Array }
  /** Only the leader takes it. Answered by `Changed` when the target is committed (a joint phase may still end by itself). */
  | {
      readonly _tag: "ChangeMembers"
      readonly voters: ReadonlyArray<NodeId>
      readonly learners: ReadonlyArray<NodeId>
      /** Index of the configuration that it replaces; `null`: whatever is in effect. */
      readonly expectedIndex: Index | null
    }
  /** Answered by `Described`. */
  | { readonly _tag: "Describe" }

export type Answer =
  | { readonly _tag: "Opened"; readonly session: SessionId }
  | { readonly _tag: "Applied"; readonly index: Index; readonly result: Uint8Array }
  | { readonly _tag: "Answered"; readonly index: Index; readonly data: Uint8Array }
  | { readonly _tag: "Changed"; readonly index: Index }
  | {
      readonly _tag: "Described"
      readonly leader: NodeId | null
      readonly configuration: Configuration
      readonly configurationIndex: Index
    }
  | { readonly _tag: "Failed"; readonly failure: Failure }
