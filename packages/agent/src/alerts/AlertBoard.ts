/** Where every part of the agent puts what an operator should hear of; health reports carry it to the master (AF-003). */
import type { Alert } from "@nxmesh/protocol/model/Health"
import { Context, Effect, Layer } from "effect"

export class AlertBoard extends Context.Service<
  AlertBoard,
  {
    /** Puts these in the place of all that this source said before; an empty list takes them back. */
    readonly raise: (source: string, alerts: ReadonlyArray<Alert>) => Effect.Effect<void>
    /** Of every source, by the source's name. */
    readonly current: Effect.Effect<ReadonlyArray<Alert>>
  }
>()("@nxmesh/agent/alerts/AlertBoard") {
  static readonly layer = Layer.sync(AlertBoard, () => {
    const bySource = new Map<string, ReadonlyArray<Alert>>()
    return AlertBoard.of({
      raise: (source, alerts) => Effect.sync(() => bySource.set(source, alerts)),
      current: Effect.sync(() => [...bySource.keys()].toSorted().flatMap((source) => bySource.get(source) ?? []))
    })
  })
}
