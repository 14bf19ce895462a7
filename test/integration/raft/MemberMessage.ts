/** What a test tells a member's process over IPC, and what it hears. */
import type { NodeOptions } from "@nxmesh/raft/node/NodeOptions"
import type { Status } from "@nxmesh/raft/node/Status"
import type { LogOptions } from "@nxmesh/raft/storage/log/SegmentedLog"
import type { TlsIdentity } from "@nxmesh/raft/transport/tcp/Tls"
import type { Address } from "@nxmesh/raft/transport/Transport"

export interface MemberStart {
  readonly directory: string
  readonly options: NodeOptions
  readonly log: LogOptions
  readonly fileSystemModule: string
  readonly tls: TlsIdentity | null
  readonly peers: ReadonlyMap<string, Address>
}

export type MemberRequest =
  | { readonly kind: "put"; readonly key: string; readonly value: string }
  | { readonly kind: "get"; readonly key: string }
  /** So many clients write values of so many bytes, each the next once the last is acknowledged, until `stopLoad`. */
  | { readonly kind: "load"; readonly clients: number; readonly valueBytes: number }
  | { readonly kind: "stopLoad" }
  /** Of the main thread. */
  | { readonly kind: "block"; readonly millis: number }
  | { readonly kind: "transfer"; readonly to: string }
  | { readonly kind: "peers"; readonly peers: ReadonlyMap<string, Address> }
  | { readonly kind: "identity"; readonly identity: TlsIdentity }
  | { readonly kind: "changeMembers"; readonly voters: ReadonlyArray<string>; readonly learners: ReadonlyArray<string> }
  | { readonly kind: "usage" }

export interface LoadReport {
  /** The value of each key that was acknowledged last. */
  readonly acknowledged: ReadonlyMap<string, string>
  readonly writes: number
  readonly failures: ReadonlyArray<string>
}

export type FromMember =
  | { readonly kind: "started"; readonly address: Address }
  | { readonly kind: "status"; readonly status: Status }
  | { readonly kind: "stopped"; readonly message: string }
  | { readonly kind: "answer"; readonly id: number; readonly value: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly message: string }

export type ToMember =
  | { readonly kind: "start"; readonly start: MemberStart }
  | { readonly kind: "request"; readonly id: number; readonly request: MemberRequest }
  | { readonly kind: "close" }
