/**
 * Deployment outcomes on their way to the master, kept until it says that they are durable. The newest survives a
 * restart in the deployment journal, so this needs no file; a master takes the same outcome twice without harm.
 */
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Context, Effect, Layer, Option, Stream, SubscriptionRef } from "effect"
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
      const waiting = yield* SubscriptionRef.make<ReadonlyArray<DeploymentOutcome>>([])
      return Outcomes.of({
        add: Effect.fnUntraced(function* (outcome) {
          const before = yield* SubscriptionRef.get(waiting)
          if (before.length >= Limits.outcomesKeptMax) {
            yield* Effect.logWarning("a deployment outcome was dropped: the master takes none, and newer ones came", {
              deploymentId: before[0]?.id
            })
          }
          yield* SubscriptionRef.update(waiting, (all) => [...all, outcome].slice(-Limits.outcomesKeptMax))
        }),
        next: SubscriptionRef.changes(waiting).pipe(
          Stream.filter((all) => all.length > 0),
          Stream.runHead,
          Effect.map(Option.getOrElse((): ReadonlyArray<DeploymentOutcome> => [])),
          Effect.map((all) => all.slice(0, Limits.outcomesPerReportMax))
        ),
        acknowledge: (outcomes) =>
          SubscriptionRef.update(waiting, (all) => all.filter((outcome) => !outcomes.includes(outcome)))
      })
    })
  )
}
