/**
 * Deployment outcomes on their way to the master, kept until it says that they are durable. The newest survives a
 * restart in the deployment journal, so this needs no file; a master takes the same outcome twice without harm.
 */
import { sampledTraceparent } from "@nxmesh/core/observe/Traceparent"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Context, Effect, Latch, Layer } from "effect"
import { Limits } from "../Limits.ts"

export class Outcomes extends Context.Service<
  Outcomes,
  {
    /**
     * Past the bound the oldest is dropped: the newest says what nginx serves. What is added within a trace is reported in it.
     */
    readonly add: (outcome: DeploymentOutcome) => Effect.Effect<void>
    /** Waits until there is something to report; oldest first. */
    readonly next: Effect.Effect<ReadonlyArray<DeploymentOutcome>>
    /** Where the outcomes came about (W3C traceparent), as far as that is traced. */
    readonly traces: (outcomes: ReadonlyArray<DeploymentOutcome>) => ReadonlyArray<string | undefined>
    readonly acknowledge: (outcomes: ReadonlyArray<DeploymentOutcome>) => Effect.Effect<void>
  }
>()("@nxmesh/agent/link/Outcomes") {
  static readonly layer = Layer.effect(
    Outcomes,
    Effect.gen(function* () {
      let waiting: ReadonlyArray<DeploymentOutcome> = []
      const traces = new WeakMap<DeploymentOutcome, string>()
      const filled = yield* Latch.make(false)
      const become = (next: ReadonlyArray<DeploymentOutcome>) =>
        Effect.suspend(() => {
          waiting = next
          return next.length === 0 ? filled.close : filled.open
        })
      return Outcomes.of({
        add: Effect.fnUntraced(function* (outcome) {
          if (waiting.length >= Limits.outcomesKeptMax) {
            yield* Effect.logWarning("a deployment outcome was dropped: the master takes none, and newer ones came", {
              deploymentId: waiting[0]?.id
            })
          }
          const trace = yield* sampledTraceparent
          if (trace !== undefined) traces.set(outcome, trace)
          yield* become([...waiting, outcome].slice(-Limits.outcomesKeptMax))
        }),
        traces: (outcomes) => outcomes.map((outcome) => traces.get(outcome)),
        next: Effect.map(filled.await, () => waiting.slice(0, Limits.outcomesPerReportMax)),
        acknowledge: (outcomes) => Effect.suspend(() => become(waiting.filter((one) => !outcomes.includes(one))))
      })
    })
  )
}
