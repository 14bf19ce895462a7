/** How much of what masters do is traced; whether traces go anywhere is each machine's own setting. */
import { Schema } from "effect"

export const tracingSettingsFields = {
  /** Of the traces that begin at a master, how many are recorded: 0 none, 1 all. */
  sample_ratio: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
}

export const TracingSettings = Schema.Struct(tracingSettingsFields).annotate({ identifier: "TracingSettings" })
export type TracingSettings = typeof TracingSettings.Type

export const tracingSettingsDefault: TracingSettings = { sample_ratio: 1 }
