/** What the benchmark tells a member's process over IPC, and what it hears. */
import type { Endpoint, TlsIdentity } from "../cluster/Endpoint.ts"

export interface MemberStart {
  readonly id: string
  readonly directory: string
  readonly endpoints: ReadonlyArray<Endpoint>
  readonly tls: TlsIdentity | null
}

export type MemberRequest =
  | { readonly kind: "start"; readonly start: MemberStart }
  | { readonly kind: "status"; readonly request: number }
  | { readonly kind: "transferLeadership"; readonly request: number; readonly to: string }

export type MemberAnswer =
  | { readonly kind: "started" }
  | {
      readonly kind: "status"
      readonly request: number
      readonly leader: string | null
      readonly term: number
      readonly applied: number
    }
  | { readonly kind: "done"; readonly request: number }
  | { readonly kind: "stopped"; readonly message: string }
