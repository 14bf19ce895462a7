/**
 * What holds for the whole installation, as this master applied it last. Kept in memory, because every request asks, and never
 * older than what was published before the question.
 */
import {
  effectiveSettings,
  type InstallationSettings as SettingsInForce
} from "@nxmesh/protocol/model/InstallationSettings"
import { Context, Effect, Layer, Queue, Stream, SubscriptionRef } from "effect"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"

export class InstallationSettings extends Context.Service<
  InstallationSettings,
  {
    /** With the defaults where nobody chose. */
    readonly current: Effect.Effect<SettingsInForce>
    /** What is in force now, and whatever is in force after; one that is replaced at once may be left out. */
    readonly changes: Stream.Stream<SettingsInForce>
  }
>()("@nxmesh/master/settings/InstallationSettings") {
  static readonly layer = Layer.effect(
    InstallationSettings,
    Effect.gen(function* () {
      const reads = yield* Reads
      const applied = yield* (yield* Events).subscribe
      const read = Effect.map(reads.settings, ({ chosen }) => effectiveSettings(chosen))
      const settings = yield* SubscriptionRef.make(yield* read)

      /** Before an answer is given, its events are in the queue. */
      const current = Effect.gen(function* () {
        if (Queue.sizeUnsafe(applied) > 0) {
          const events = yield* Queue.clear(applied)
          if (events.some(({ event }) => isChange(event))) yield* SubscriptionRef.set(settings, yield* read)
        }
        return yield* SubscriptionRef.get(settings)
      })
      // Taken in also while no one asks, so that the queue does not fill.
      yield* Queue.peek(applied).pipe(Effect.andThen(current), Effect.forever, Effect.forkScoped)
      return InstallationSettings.of({ current, changes: SubscriptionRef.changes(settings) })
    })
  )
}

const isChange = (event: { readonly _tag: string; readonly kind?: unknown }): boolean =>
  event._tag === "StateReset" ||
  event._tag === "ClusterVersionRaised" ||
  (event._tag === "ResourceChanged" && event.kind === "settings")
