/** What apply of one entry may look at: the state inside its transaction, and what the entry says. No clock, no randomness. */
import type { Event } from "@nxmesh/protocol/Event"
import type { ResourceKind } from "@nxmesh/protocol/model/ResourceKind"
import type { Timestamp } from "@nxmesh/protocol/model/Text"
import type { Principal } from "@nxmesh/protocol/Principal"
import type { RequestOrigin } from "@nxmesh/protocol/Command"
import type { Rejection } from "@nxmesh/protocol/Rejection"
import type { Connection } from "../Connection.ts"

export interface Transaction {
  readonly connection: Connection
  /** Position of the entry in the log. */
  readonly index: number
  /** Milliseconds since 1970: the greatest stamp of any entry so far, so time never goes back. */
  readonly atMillis: number
  readonly timestamp: Timestamp
  readonly principal: Principal
  readonly remoteAddress: string | null
  /** Of the request that asked, for the audit. */
  readonly origin?: RequestOrigin | undefined
}

/** The resource that an entry changed, for the audit. Secrets are masked when it is written. */
export interface AuditSubject {
  readonly kind: ResourceKind | "session" | "cluster" | "audit" | "signing_key" | "encryption_key"
  readonly id: string
  readonly before: unknown
  readonly after: unknown
  /** Whose it is, where the value itself does not say so by its `workspace_id`, `organization_id`, `agent_id` or `user_id`. */
  readonly place?: { readonly organization_id: string | null; readonly workspace_id: string | null }
}

/** What one command did. */
export interface Applied {
  /** The answer, as the API needs it. Secrets only sealed: it is kept under the request's idempotency key. */
  readonly value: unknown
  readonly events: ReadonlyArray<Event>
  /** `null` for outcomes and facts that machines report: they are no one's act. */
  readonly audit: AuditSubject | null
  /** Set when the command is refused and yet changed the state, as when a stolen refresh token ends its session. */
  readonly rejection?: Rejection
}

export const timestampOf = (millis: number): Timestamp => new Date(millis).toISOString()
