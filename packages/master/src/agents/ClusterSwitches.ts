/**
 * What of the cluster's state every directive depends on: the epoch that orders it, and whether anything may be deployed.
 * Kept in memory, because every session asks with every message, and never older than what was published before the
 * question: a change of configuration that comes after the freeze cannot slip past it.
 */
import { Effect, Queue, type Scope } from "effect"
import { Events } from "../state/Events.ts"
import { Reads } from "../state/Reads.ts"

export interface ClusterSwitches {
  /** Opened anew by a restore or a forced recovery of the cluster (design-cluster.md 1). */
  readonly epoch: number
  /** Why no agent is told to deploy anything; `null` when it may be. */
  readonly frozen: string | null
}

/** Of a cluster whose first entry is not applied yet. */
const initial: ClusterSwitches = { epoch: 1, frozen: null }

const readSwitches = Effect.gen(function* () {
  const state = yield* (yield* Reads).clusterState
  if (state === undefined) return undefined
  const { epoch, freezeReason, frozen } = state
  return { epoch, frozen: frozen ? `deployments are frozen: ${freezeReason ?? "no reason was given"}` : null }
})

export const followSwitches: Effect.Effect<
  Effect.Effect<ClusterSwitches>,
  never,
  Events | Reads | Scope.Scope
> = Effect.gen(function* () {
  const reads = yield* Reads
  const applied = yield* (yield* Events).subscribe
  const read = readSwitches.pipe(Effect.provideService(Reads, reads))
  let switches = yield* read
  /** True from the moment that a change is heard of until it is read: whoever asks in between reads it, too. */
  let isOld = false
  const current = Effect.gen(function* () {
    while (Queue.sizeUnsafe(applied) > 0) {
      isOld = true
      yield* Queue.clear(applied)
    }
    // The first entry of a cluster has no event: it is asked for until it is there.
    if (!isOld && switches !== undefined) return switches
    switches = yield* read
    isOld = Queue.sizeUnsafe(applied) > 0
    return switches ?? initial
  })
  // Taken in also while no one asks, so that the queue does not fill.
  yield* Queue.peek(applied).pipe(Effect.andThen(current), Effect.forever, Effect.forkScoped)
  return current
})
