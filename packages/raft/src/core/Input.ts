/** Everything that can happen to a node. */
import type { Message } from "./Message.ts"
import type { Context, Index, NodeId, Snapshot } from "./Types.ts"

export type Input =
  /** One unit of time passed. All timeouts count these. */
  | { readonly _tag: "Tick" }
  | { readonly _tag: "Receive"; readonly message: Message }
  /** Append commands, in one piece; a follower forwards them to the leader it knows. */
  | { readonly _tag: "Propose"; readonly context: Context; readonly data: ReadonlyArray<Uint8Array> }
  | ProposeConfiguration
  /** Ends a joint phase that does not end by itself. */
  | { readonly _tag: "LeaveJoint"; readonly context: Context }
  /** Asks which index a linearizable read has to wait for. A retry needs a new context. */
  | { readonly _tag: "ReadIndex"; readonly context: Context }
  | { readonly _tag: "TransferLeadership"; readonly to: NodeId }
  /** The append of this sequence, and all before it, are durable. */
  | { readonly _tag: "Persisted"; readonly sequence: number }
  | { readonly _tag: "Applied"; readonly index: Index }
  /** The state machine's own snapshot is durable. Newest wins. */
  | { readonly _tag: "SnapshotTaken"; readonly snapshot: Snapshot }
  /** Forget entries up to and with `index`; cut to what the snapshot covers. The driver compacts storage likewise. */
  | { readonly _tag: "Compact"; readonly index: Index }
  /** The file of the snapshot being received holds everything before `offset`. */
  | { readonly _tag: "SnapshotStored"; readonly id: string; readonly offset: number }
  | { readonly _tag: "SnapshotInstalled"; readonly id: string }
  | { readonly _tag: "SnapshotRefused"; readonly id: string }
  /** Whether a chunk could be read and sent. */
  | { readonly _tag: "SnapshotReport"; readonly peer: NodeId; readonly ok: boolean }
  | { readonly _tag: "Unreachable"; readonly peer: NodeId }
  /** Start an election now, by the usual rules. */
  | { readonly _tag: "Campaign" }
  /** A follower no longer trusts its leader to be alive: it votes freely, and waits its time before it campaigns. */
  | { readonly _tag: "ForgetLeader" }
  /** Give up leadership at once: the process slept, or its disk stalls. */
  | { readonly _tag: "StepDown" }
  /** While true this node does not campaign. */
  | { readonly _tag: "RefuseLeadership"; readonly refuse: boolean }

export interface ProposeConfiguration {
  readonly _tag: "ProposeConfiguration"
  readonly context: Context
  readonly voters: ReadonlyArray<NodeId>
  readonly learners: ReadonlyArray<NodeId>
  /** Whether the leader ends a joint phase by itself. */
  readonly autoLeave: boolean
  /** Index of the configuration that this one replaces; `null`: whatever is in effect. */
  readonly expectedIndex: Index | null
}
