/**
 * Deployment outcomes on their way to the master, kept until it says that they are durable. The newest survives a
 * restart in the deployment journal, so this needs no file; a master takes the same outcome twice without harm.
 */
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Context, Effect, Latch, Layer } from "effect"
import { Limits } from "../Limits.ts"

export class Outcomes extends Context.Service<
  Outcomes,
  {
    /** Past the bound the oldest is dropped: the newest says what nginx serves. */
    readonly add: (outcome: DeploymentOutcome) => Effect.Effect<void>
    /** Waits until there is something to report; oldest first. */
    readonly next: Effect.Effect<ReadonlyArray<DeploymentOutcome>>
    readonly acknowledge: (outcomes: ReadonlyArray<DeploymentOutcome>) => Effect.Effect<void>
  }
>()("@nxmesh/agent/link/Outcomes") {
  static readonly layer = Layer.effect(
    Outcomes,
    Effect.gen(function* () {
      let waiting: ReadonlyArray<DeploymentOutcome> = []
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
          yield* become([...waiting, outcome].slice(-Limits.outcomesKeptMax))
        }),
        next: Effect.map(filled.await, () => waiting.slice(0, Limits.outcomesPerReportMax)),
        acknowledge: (outcomes) => Effect.suspend(() => become(waiting.filter((one) => !outcomes.includes(one))))
      })
    })
  )
}
