/**
 * What the fleet tells, beside what is decided: health over time, metrics, logs, events (design section 5). Each master keeps
 * what its own agents send. It is worth less than the configuration: when it cannot be kept, nothing else stops.
 */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch, OutboxKind, OutboxReports, OutboxTaken } from "@nxmesh/protocol/link/OutboxBatch"
import { Context, Data, type Effect } from "effect"

export const telemetryKinds = ["health", "metrics", "access_logs", "error_logs", "events"] as const
export type TelemetryKind = (typeof telemetryKinds)[number]

/** It cannot be kept or read now: the agent keeps its reports, and offers them again. */
export class TelemetryUnavailable extends Data.TaggedError("TelemetryUnavailable")<{ readonly message: string }> {}

/**
 * Where in its agent's outbox a row comes from. A batch that was in doubt when its master died may be taken by two masters:
 * whoever reads from all of them drops the double by this.
 */
export interface TelemetryPosition {
  readonly outbox_id: string
  readonly sequence: number
  /** Of a report of many lines. */
  readonly line: number
}

export interface TelemetryRow {
  /** Rises in the order in which this master took them. */
  readonly id: number
  readonly agent_id: AgentId
  /** By the agent's clock, milliseconds since 1970. */
  readonly at_millis: number
  readonly received_at_millis: number
  /** `null` for what never was in an outbox: the health of a connected agent, events, and reports of old agents. */
  readonly position: TelemetryPosition | null
  /** A HealthReport, a MetricsReport, a LogLine, or what the event says. */
  readonly data: unknown
}

export interface TelemetryQuery {
  readonly agentId: AgentId
  readonly kind: TelemetryKind
  /** At most `Limits.telemetry.rowsPerReadMax`. */
  readonly limit: number
  /** Only rows with a smaller id. */
  readonly before?: number
}

export class TelemetryStore extends Context.Service<
  TelemetryStore,
  {
    /**
     * Takes a batch once, all of it or nothing, however often it comes. What cannot be decoded is left out and counted: it
     * would come again for ever.
     */
    readonly take: (agentId: AgentId, batch: OutboxBatch) => Effect.Effect<OutboxTaken, TelemetryUnavailable>
    /** Keeps a report that came by itself. Never waits; dropped and counted when it cannot be kept. */
    readonly note: <Kind extends OutboxKind>(
      agentId: AgentId,
      kind: Kind,
      report: OutboxReports[Kind]
    ) => Effect.Effect<void>
    /** The newest first. */
    readonly read: (query: TelemetryQuery) => Effect.Effect<ReadonlyArray<TelemetryRow>, TelemetryUnavailable>
  }
>()("@nxmesh/master/telemetry/TelemetryStore") {}
