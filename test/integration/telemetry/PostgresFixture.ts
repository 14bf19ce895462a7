/** The store in a Postgres, as a master builds it. */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Context, Duration, Effect, Layer, Redacted } from "effect"
import { Warnings } from "../../../packages/master/src/cluster/Warnings.ts"
import { Settings, type SettingsShape } from "../../../packages/master/src/Settings.ts"
import { layerPostgresTelemetry } from "../../../packages/master/src/telemetry/postgres/PostgresTelemetry.ts"
import { TelemetrySql } from "../../../packages/master/src/telemetry/TelemetrySql.ts"
import { TelemetryStore } from "../../../packages/master/src/telemetry/TelemetryStore.ts"

export const startStore = Effect.fnUntraced(function* (url: string) {
  const settings = { telemetryKept: Duration.days(7), telemetryMegabytesMax: 64 } as SettingsShape
  const context = yield* Layer.build(
    Layer.fresh(layerPostgresTelemetry(Redacted.make(url))).pipe(
      Layer.provideMerge(Layer.mergeAll(Layer.fresh(Warnings.layer), Layer.fresh(Metrics.layer), Identifiers.layer)),
      Layer.provide(Layer.succeed(Settings, settings))
    )
  )
  return {
    store: Context.get(context, TelemetryStore),
    sql: Context.get(context, TelemetrySql),
    warnings: Context.get(context, Warnings).all,
    metrics: Context.get(context, Metrics).text
  }
})
