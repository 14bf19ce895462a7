/** Between a store's thread and the master. */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch } from "@nxmesh/protocol/link/OutboxBatch"
import type { RetentionBounds } from "./Retention.ts"
import type { NewEvent } from "./TelemetryStore.ts"

/** What came by itself. */
export type Note =
  | { readonly _tag: "Report"; readonly agentId: AgentId; readonly kind: string; readonly report: string }
  | { readonly _tag: "Event"; readonly event: NewEvent }

export type TelemetryRequest =
  | { readonly _tag: "Take"; readonly agentId: AgentId; readonly batch: OutboxBatch; readonly nowMillis: number }
  | {
      readonly _tag: "Notes"
      /** Of this process of the master, and which of its groups of notes it is: one that comes again is not written again. */
      readonly writer: string
      readonly sequence: number
      readonly notes: ReadonlyArray<Note>
      readonly nowMillis: number
    }
  | { readonly _tag: "Retain"; readonly nowMillis: number; readonly bounds: RetentionBounds }
  | { readonly _tag: "Close" }

export interface Taken {
  readonly through: number
  /** Rows that were kept, and reports that could not be decoded. */
  readonly rows: number
  readonly undecodable: number
}

export interface TelemetryAnswers {
  readonly Take: Taken
  readonly Notes: { readonly rows: number; readonly undecodable: number }
  readonly Retain: { readonly more: boolean; readonly usedBytes: number }
  readonly Close: null
}

export type RequestOf<Tag extends TelemetryRequest["_tag"]> = Extract<TelemetryRequest, { readonly _tag: Tag }>
export type TelemetryAnswer = TelemetryAnswers[TelemetryRequest["_tag"]]

export interface Numbered {
  readonly id: number
  readonly request: TelemetryRequest
}

export type Answered =
  | { readonly id: number; readonly answer: TelemetryAnswer }
  /** Why not, and what was done about it, for an operator. */
  | { readonly id: number; readonly failure: string }
