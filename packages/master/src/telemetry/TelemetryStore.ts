/**
 * What the fleet tells, beside what is decided: health over time, metrics, logs, events (design section 5). Embedded, each master
 * keeps what its own agents send; with Postgres all masters share one store. It is worth less than the configuration: when it cannot
 * be kept, nothing else stops.
 */
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { OutboxBatch, OutboxKind, OutboxReports, OutboxTaken } from "@nxmesh/protocol/link/OutboxBatch"
import { Context, Data, type Effect } from "effect"

export const telemetryKinds = ["health", "metrics", "access_logs", "error_logs", "events"] as const
export type TelemetryKind = (typeof telemetryKinds)[number]

/** It cannot be kept now: the agent keeps its reports, and offers them again. */
export class TelemetryUnavailable extends Data.TaggedError("TelemetryUnavailable")<{ readonly message: string }> {}

/** Something that happened. */
export interface NewEvent {
  /** What it is, the same for whoever sees it: it is kept once. */
  readonly key: string
  readonly atMillis: number
  readonly kind: string
  readonly agentId: string | null
  readonly workspaceId: string | null
  readonly organizationId: string | null
  /** One sentence for a person. */
  readonly text: string
  /** What a program wants to know of it. */
  readonly data: unknown
}

export class TelemetryStore extends Context.Service<
  TelemetryStore,
  {
    /**
     * Takes a batch once, all of it or nothing, however often it comes. What cannot be decoded is left out and counted: it
     * would come again for ever.
     */
    readonly take: (agentId: AgentId, batch: OutboxBatch) => Effect.Effect<OutboxTaken, TelemetryUnavailable>
    /**
     * Keeps a report that came by itself. Never waits: it is written when that can be done, and dropped and counted when too
     * many wait.
     */
    readonly note: <Kind extends OutboxKind>(
      agentId: AgentId,
      kind: Kind,
      report: OutboxReports[Kind]
    ) => Effect.Effect<void>
    /** Keeps what happened, each by its key once. Never waits, as `note`. */
    readonly record: (events: ReadonlyArray<NewEvent>) => Effect.Effect<void>
  }
>()("@nxmesh/master/telemetry/TelemetryStore") {}
