/** How long and how much is kept, as the operator set it. */
import { Duration, Effect } from "effect"
import { Settings } from "../Settings.ts"
import type { RetentionBounds } from "./Retention.ts"
import type { TelemetryDialect } from "./TelemetrySql.ts"

/** Asked anew whenever something is cut. */
export const retentionBounds = Effect.fnUntraced(function* (_dialect: TelemetryDialect) {
  const { telemetryKept, telemetryMegabytesMax } = yield* Settings
  const kept = Duration.toMillis(telemetryKept)
  return Effect.succeed<RetentionBounds>({
    bytesMax: telemetryMegabytesMax * 1_048_576,
    keptMillis: {
      health: kept,
      metrics: kept,
      metrics_minute: kept,
      metrics_hour: kept,
      access_logs: kept,
      error_logs: kept,
      events: kept
    }
  })
})
