/** Tries what a change would make of this agent's configuration, before anybody commits to it. Nothing live is touched. */
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import type { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import { Context, Effect, Layer } from "effect"

export interface PreflightReport {
  /** False when nothing could be tried; the one error says why. */
  readonly tested: boolean
  /** Every culprit that was found, each with nginx's own words; none when nginx would take the configuration. */
  readonly errors: ReadonlyArray<DeploymentError>
  readonly warnings: ReadonlyArray<string>
}

const untested = (message: string): PreflightReport => ({
  tested: false,
  errors: [{ step: "render", message, file: null, line: null, resource: null }],
  warnings: []
})

export class Preflight extends Context.Service<
  Preflight,
  {
    /** Waits for a deployment in flight: a test must see a live tree that stands still. */
    readonly run: (update: BundleUpdate) => Effect.Effect<PreflightReport>
  }
>()("@nxmesh/agent/preflight/Preflight") {
  static readonly layerNone = Layer.succeed(
    Preflight,
    Preflight.of({ run: () => Effect.succeed(untested("this agent cannot test a change beforehand")) })
  )
}
