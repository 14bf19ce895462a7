/** Drift on its way to become the next version: what the link is to offer to the masters, and what they said. */
import type { DriftAnswer, DriftOffer } from "@nxmesh/protocol/link/DriftOffer"
import { Context, Effect, Layer, Option, SubscriptionRef, Stream } from "effect"

interface Held {
  readonly offer: DriftOffer
  /** `null` until a master has said something for good. */
  readonly answer: DriftAnswer | null
}

const isSame = (held: Held | null, offer: DriftOffer): held is Held =>
  held !== null && JSON.stringify(held.offer) === JSON.stringify(offer)

export class DriftOffers extends Context.Service<
  DriftOffers,
  {
    /** Has this offered in the place of any other; answers what was said to it, `null` while nothing was. */
    readonly offer: (offer: DriftOffer) => Effect.Effect<DriftAnswer | null>
    readonly isHeld: (offer: DriftOffer) => Effect.Effect<boolean>
    /** There is nothing to offer any more. */
    readonly withdraw: Effect.Effect<void>
    /** Waits for one that has no answer. For the link. */
    readonly next: Effect.Effect<DriftOffer>
    /** What a master said. Another offer may have taken its place by now. */
    readonly answered: (offer: DriftOffer, answer: DriftAnswer) => Effect.Effect<void>
  }
>()("@nxmesh/agent/drift/DriftOffers") {
  static readonly layer = Layer.effect(
    DriftOffers,
    Effect.map(SubscriptionRef.make<Held | null>(null), (held) =>
      DriftOffers.of({
        offer: (offer) =>
          SubscriptionRef.modify(held, (before) =>
            isSame(before, offer) ? [before.answer, before] : [null, { offer, answer: null }]
          ),
        isHeld: (offer) => Effect.map(SubscriptionRef.get(held), (before) => isSame(before, offer)),
        withdraw: SubscriptionRef.set(held, null),
        next: SubscriptionRef.changes(held).pipe(
          Stream.filter((now): now is Held => now !== null && now.answer === null),
          Stream.runHead,
          Effect.flatMap((found) => (Option.isSome(found) ? Effect.succeed(found.value.offer) : Effect.never))
        ),
        answered: (offer, answer) =>
          SubscriptionRef.update(held, (before) => (isSame(before, offer) ? { ...before, answer } : before))
      })
    )
  )
}
