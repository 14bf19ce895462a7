/**
 * What passes between the thread that started a node, which is its host, and the Raft thread:
 *
 * ```
 * host                       Raft thread
 *            ◀── recovered   storage is open
 * readSnapshot ──▶           only when the state machine is behind the log
 *            ◀── chunk
 * start ──▶
 *            ◀── started     from here on it takes part
 * packet ──▶ ◀── packet      see HostPacket.ts
 * peers, identity ──▶
 * close ──▶
 *            ◀── closed
 * ```
 *
 * At any time the Raft thread may say `stopped`, once; the host answers `heard`, or the Raft thread ends the process: a
 * host that does not hear it is blocked, and would go on to think that it is part of the cluster.
 */
import { RaftFailure } from "../../core/Failure.ts"
import type { Index, NodeId, Snapshot } from "../../core/Types.ts"
import type { LogOptions } from "../../storage/log/SegmentedLog.ts"
import type { RecoveryReport } from "../../storage/Storage.ts"
import { StorageError } from "../../storage/StorageError.ts"
import type { TcpTransportOptions } from "../../transport/tcp/TcpTransport.ts"
import { TransportError } from "../../transport/tcp/TransportError.ts"
import type { TlsIdentity } from "../../transport/tcp/Tls.ts"
import type { Address } from "../../transport/Transport.ts"
import type { HostMessage, HostRequest } from "../HostMessage.ts"
import type { NodeOptions } from "../NodeOptions.ts"
import { NodeStopped } from "../NodeStopped.ts"
import type { StopReason } from "../NodeStopped.ts"
import type { ReplicaStatus } from "../Status.ts"
import type { Packet } from "./HostPacket.ts"

export interface ThreadSettings {
  readonly options: NodeOptions
  readonly network: NetworkSettings
  /** Where the others are, as far as it is known. */
  readonly peers: ReadonlyMap<NodeId, Address>
  /** Where log, hard state and snapshots are. Of this node alone. */
  readonly directory: string
  readonly log: LogOptions
  /** URL of a module that exports `fileSystem`, for tests with a disk that fails; `null`: the operating system's. */
  readonly fileSystemModule: string | null
}

/** Where a node is reached, and as who. */
export type NetworkSettings = Pick<TcpTransportOptions, "cluster" | "listen" | "tls" | "allowPlaintext">

/** What storage found, as far as the host needs to know. */
export interface RecoveredNode {
  /** The log begins after it: a state machine that has applied less starts from `snapshot`. */
  readonly base: Index
  readonly snapshot: Snapshot | null
  readonly report: RecoveryReport
}

export interface StartedNode {
  readonly address: Address
  readonly status: ReplicaStatus
}

/** To the Raft thread. */
export type ToRaft =
  | { readonly kind: "readSnapshot"; readonly index: Index; readonly offset: number; readonly bytesMax: number }
  | { readonly kind: "start"; readonly applied: Index }
  | { readonly kind: "packet"; readonly packet: Packet<HostMessage> }
  | { readonly kind: "peers"; readonly peers: ReadonlyMap<NodeId, Address> }
  | { readonly kind: "identity"; readonly identity: TlsIdentity }
  | { readonly kind: "close" }
  | { readonly kind: "heard" }

/** To the host. */
export type ToHost =
  | { readonly kind: "recovered"; readonly recovered: RecoveredNode }
  | { readonly kind: "chunk"; readonly data: Uint8Array | null }
  | { readonly kind: "started"; readonly started: StartedNode }
  | { readonly kind: "packet"; readonly packet: Packet<HostRequest> }
  | { readonly kind: "problem"; readonly message: string }
  | { readonly kind: "stopped"; readonly failure: StoppedMessage }
  | { readonly kind: "closed" }

/** NodeStopped, as it crosses: the class of an error does not survive the way. */
export interface StoppedMessage {
  readonly reason: StopReason
  readonly detail: string
}

/** What any failure in the Raft thread means for the node. */
export const stoppedMessage = (failure: unknown): StoppedMessage => {
  if (failure instanceof NodeStopped) return { reason: failure.reason, detail: failure.detail }
  const detail = failure instanceof Error ? failure.message : String(failure)
  if (failure instanceof StorageError) return { reason: "StorageFailed", detail }
  if (failure instanceof TransportError) return { reason: "NetworkFailed", detail }
  return { reason: failure instanceof RaftFailure ? "RaftFailed" : "ThreadFailed", detail }
}
