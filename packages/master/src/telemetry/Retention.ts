/** How long what is kept, and how much of it: what goes first. Pure. */
import { Limits } from "../Limits.ts"
import type { tables } from "./TelemetryTables.ts"
import { type TelemetryKind, telemetryKinds } from "./TelemetryStore.ts"

export type RetainedTable = keyof typeof tables

export interface RetentionBounds {
  /** Of all kinds together. */
  readonly bytesMax: number
  readonly keptMillis: Readonly<Record<RetainedTable, number>>
}

/** The tables of a kind, the finest first. */
export const tablesOf: Readonly<Record<TelemetryKind, ReadonlyArray<RetainedTable>>> = {
  health: ["health"],
  metrics: ["metrics", "metrics_minute", "metrics_hour"],
  access_logs: ["access_logs"],
  error_logs: ["error_logs"],
  events: ["events"]
}

/**
 * Which kind gives way while all of them take too much: the one that is furthest above its share, so that a flood of access logs
 * costs access logs and not last week's events. `null`: there is room.
 */
export const kindToCut = (bytes: Readonly<Record<TelemetryKind, number>>, bytesMax: number): TelemetryKind | null => {
  const total = telemetryKinds.reduce((sum, kind) => sum + bytes[kind], 0)
  if (total <= bytesMax) return null
  const excess = (kind: TelemetryKind) => bytes[kind] - Limits.telemetry.shares[kind] * bytesMax
  return telemetryKinds.reduce((worst, kind) => (excess(kind) > excess(worst) ? kind : worst))
}
