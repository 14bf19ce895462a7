/** Between the thread of the store and the master. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch } from "@nxmesh/protocol/link/OutboxBatch"
import type { RetentionBounds, Taken } from "./TelemetryDatabase.ts"
import type { TelemetryQuery, TelemetryRow } from "./TelemetryStore.ts"

export type TelemetryRequest =
  | { readonly _tag: "Take"; readonly agentId: AgentId; readonly batch: OutboxBatch; readonly nowMillis: number }
  | {
      readonly _tag: "Note"
      readonly agentId: AgentId
      readonly kind: string
      /** JSON. */
      readonly report: string
      readonly nowMillis: number
    }
  | { readonly _tag: "Read"; readonly query: TelemetryQuery }
  | { readonly _tag: "Retain"; readonly nowMillis: number; readonly bounds: RetentionBounds }
  | { readonly _tag: "Close" }

export interface TelemetryAnswers {
  readonly Take: Taken
  /** Rows. */
  readonly Note: number
  readonly Read: ReadonlyArray<TelemetryRow>
  readonly Retain: { readonly more: boolean; readonly usedBytes: number }
  readonly Close: null
}

export type RequestOf<Tag extends TelemetryRequest["_tag"]> = Extract<TelemetryRequest, { readonly _tag: Tag }>

export interface Numbered {
  readonly id: number
  readonly request: TelemetryRequest
}

export type Answered =
  | { readonly id: number; readonly answer: TelemetryAnswers[TelemetryRequest["_tag"]] }
  /** Why not, and what was done about it, for an operator. */
  | { readonly id: number; readonly failure: string }
