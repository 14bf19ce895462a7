/** Who waits for changes: each is answered when there is something after the index that it has. */
import type { WatchAnswer, WatchEvent } from "@nxmesh/protocol/api/WatchApi"
import type { Access } from "@nxmesh/protocol/model/Access"
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import type { OrganizationId } from "@nxmesh/protocol/Ids"
import { Context, Data, Deferred, Duration, Effect, Layer, Queue } from "effect"
import { Limits } from "../Limits.ts"
import { EventHistory } from "../state/EventHistory.ts"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"

export class TooManyWatchers extends Data.TaggedError("TooManyWatchers")<{}> {
  override readonly message = "too many requests wait for changes on this master: try again in a moment"
}

/** Whoever waited would not get in any more. */
export class WatchEnded extends Data.TaggedError("WatchEnded")<{}> {
  override readonly message = "the session or the key with which this was asked has ended"
}

export interface WatchRequest {
  readonly index: number
  readonly waitSeconds: number
  /** What whoever waits may see now; `undefined`: they would not get in any more. */
  readonly access: Effect.Effect<Access | undefined>
  /** What of an event is told; `null`: nothing. */
  readonly tell: (applied: AppliedEvent, access: Access, organizationId: OrganizationId | null) => WatchEvent | null
}

export class EventWatch extends Context.Service<
  EventWatch,
  { readonly watch: (request: WatchRequest) => Effect.Effect<WatchAnswer, TooManyWatchers | WatchEnded> }
>()("@nxmesh/master/api/EventWatch") {
  /** Whoever waits when the scope ends is answered: a master that stops keeps nobody waiting. */
  static readonly layer = Layer.effect(
    EventWatch,
    Effect.gen(function* () {
      const reads = yield* Reads
      const applied = yield* (yield* Events).subscribe
      const history = new EventHistory(yield* reads.appliedIndex, Limits.api.watchEventsKept)
      let changed = Deferred.makeUnsafe<void>()
      const stopping = yield* Deferred.make<void>()
      let watching = 0

      const wake = Effect.suspend(() => {
        const waiting = changed
        changed = Deferred.makeUnsafe<void>()
        return Deferred.succeed(waiting, undefined)
      })
      const follow = Queue.takeAll(applied).pipe(
        Effect.tap((events) => Effect.sync(() => events.forEach((event) => history.add(event)))),
        Effect.andThen(wake)
      )
      yield* follow.pipe(Effect.forever, Effect.forkScoped)
      yield* Effect.addFinalizer(() => Deferred.succeed(stopping, undefined))

      /** Of what says its workspace alone. */
      const organizationOf = ({ event }: AppliedEvent): Effect.Effect<OrganizationId | null> =>
        event._tag === "DeploymentRecorded"
          ? Effect.map(reads.get("workspace", event.deployment.workspace_id), (found) => found?.organization_id ?? null)
          : Effect.succeed(null)

      /** What there is to tell now; an answer without events says how far it looked. */
      const look = Effect.fnUntraced(function* ({ access, tell }: WatchRequest, index: number) {
        const heard = history.after(index, Limits.api.watchEventsPerAnswerMax)
        const now = yield* access
        if (now === undefined) return yield* new WatchEnded()
        if (heard._tag === "Compacted") return { index: heard.index, compacted: true, events: [] }
        const told = yield* Effect.forEach(heard.events, (event) =>
          Effect.map(organizationOf(event), (organizationId) => tell(event, now, organizationId))
        )
        const events: ReadonlyArray<WatchEvent> = told.filter((event) => event !== null)
        return { index: heard.index, compacted: false, events }
      })

      const watch = Effect.fn("EventWatch.watch")(function* (request: WatchRequest) {
        // Every event wakes whoever waits, so also the one that took away what they may see.
        let answer: WatchAnswer = yield* look(request, request.index)
        const something = Effect.gen(function* () {
          while (!answer.compacted && answer.events.length === 0) {
            const waiting = changed
            const next = yield* look(request, answer.index)
            if (next.index === answer.index && !next.compacted) yield* Deferred.await(waiting)
            else answer = next
          }
        })
        yield* something.pipe(
          Effect.raceFirst(Deferred.await(stopping)),
          Effect.timeoutOption(Duration.seconds(request.waitSeconds))
        )
        return answer
      })

      return EventWatch.of({
        watch: (request) =>
          Effect.acquireUseRelease(
            Effect.suspend(() => {
              if (watching >= Limits.api.watchersMax) return Effect.fail(new TooManyWatchers())
              watching += 1
              return Effect.void
            }),
            () => watch(request),
            () => Effect.sync(() => (watching -= 1))
          )
      })
    })
  )
}
