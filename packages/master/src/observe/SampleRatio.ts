/** How much this master traces: its own setting, or what holds for the whole installation, which may change while it runs. */
import { Tracing } from "@nxmesh/core/observe/Tracing"
import { Effect, Layer, Stream } from "effect"
import { Settings } from "../Settings.ts"
import { InstallationSettings } from "../settings/InstallationSettings.ts"

export const layerSampleRatio = Layer.effectDiscard(
  Effect.gen(function* () {
    const { tracesRatio } = yield* Settings
    if (tracesRatio !== null) return
    const { changes } = yield* InstallationSettings
    const { setRatio } = yield* Tracing
    yield* Effect.forkScoped(
      Stream.runForEach(changes, ({ tracing }) => Effect.sync(() => setRatio(tracing.sample_ratio)))
    )
  })
)
