/** What a node tells on its own: how it stands, and that it stopped. */
import { Deferred, Effect, Exit, PubSub, Stream } from "effect"
import { Limits } from "../../Limits.ts"
import { NodeStopped } from "../NodeStopped.ts"
import type { Status } from "../Status.ts"

export interface NodeEvents {
  readonly tellStatus: (status: Status) => void
  readonly tellStopped: (failure: Error) => void
  /** `null`: none was told yet. */
  readonly latest: () => Status | null
  /** The latest, then each later one, until the node stops; whoever is slow misses some, and never the latest. */
  readonly statuses: Stream.Stream<Status>
  readonly stopped: Effect.Effect<never, NodeStopped>
}

export const makeNodeEvents: Effect.Effect<NodeEvents> = Effect.gen(function* () {
  const statuses = yield* PubSub.sliding<Status>({ capacity: Limits.thread.statusesWaiting, replay: 1 })
  const stopped = yield* Deferred.make<never, NodeStopped>()
  let latest: Status | null = null
  return {
    // Not `publishUnsafe`, which drops the newest when an observer is slow. Sliding, it never waits.
    tellStatus: (status) => {
      latest = status
      Effect.runSync(PubSub.publish(statuses, status))
    },
    tellStopped: (failure) => void Deferred.doneUnsafe(stopped, Exit.fail(asNodeStopped(failure))),
    latest: () => latest,
    statuses: Stream.interruptWhen(Stream.fromPubSub(statuses), Effect.ignore(Deferred.await(stopped))),
    stopped: Deferred.await(stopped)
  }
})

/** The state machine is all that fails in this thread by itself. */
const asNodeStopped = (failure: Error): NodeStopped =>
  failure instanceof NodeStopped
    ? failure
    : new NodeStopped({ reason: "HostFailed", detail: failure.message, cause: failure })
