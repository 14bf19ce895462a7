/**
 * The one catalogue of a master, kept as the state is: what waits among the events is taken in before any answer is
 * given, so that a read after a write sees it.
 */
import type { AppliedEvent } from "@nxmesh/protocol/Event"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { TraceNote } from "@nxmesh/protocol/link/TraceNote"
import { Effect, Queue, type Scope, Semaphore } from "effect"
import { Limits } from "../Limits.ts"
import type { Events } from "../state/Events.ts"
import type { Reads } from "../state/Reads.ts"
import type { Catalogue } from "./Catalogue.ts"
import { loadCatalogue, takeChange } from "./Loading.ts"

/** Which agents' bundles became other ones, and the entry of the log up to which that is so. */
export interface Affected {
  readonly agentIds: ReadonlySet<AgentId>
  readonly index: number
  /** Of the changes that did it, the first ones that are traced. */
  readonly traces: ReadonlyArray<TraceNote>
}
export type Listener = (affected: Affected) => Effect.Effect<void>

export interface CatalogueFollower {
  /** Takes in every event that waits. Costs nothing when none does. */
  readonly catchUp: Effect.Effect<void>
  /** Replaced as a whole when the state is. */
  readonly catalogue: () => Catalogue
  /** Of an entry that the catalogue contains. */
  readonly index: () => number
  readonly listen: (listener: Listener) => Effect.Effect<void, never, Scope.Scope>
}

const noteOf = ({ event, trace }: AppliedEvent): TraceNote | undefined => {
  if (trace === undefined || event._tag !== "ResourceChanged") return undefined
  const { id, organization_id, workspace_id } = event
  return {
    traceparent: trace,
    config_id: id,
    ...(organization_id === null ? {} : { organization_id }),
    ...(workspace_id === null ? {} : { workspace_id })
  }
}

export const followState = Effect.fnUntraced(function* (
  reads: Reads["Service"],
  events: Events["Service"]
): Effect.fn.Return<CatalogueFollower, never, Scope.Scope> {
  const applied = yield* events.subscribe
  const turn = yield* Semaphore.make(1)
  const listeners = new Set<Listener>()
  let index = yield* reads.appliedIndex
  let catalogue = yield* loadCatalogue(reads)
  /** True while events are being taken in, and after that went wrong: then the catalogue is loaded anew. */
  let incomplete = false

  const takeIn = Effect.gen(function* () {
    while (incomplete || Queue.sizeUnsafe(applied) > 0) {
      let isReset = incomplete
      incomplete = true
      const traces: Array<TraceNote> = []
      for (const each of yield* Queue.clear(applied)) {
        const { event } = each
        index = Math.max(index, each.index)
        const note = noteOf(each)
        if (note !== undefined && traces.length < Limits.config.tracesMergedMax) traces.push(note)
        if (event._tag === "StateReset") isReset = true
        if (event._tag === "ResourceChanged" && !isReset) yield* takeChange(reads, catalogue, event)
      }
      if (isReset) {
        index = Math.max(index, yield* reads.appliedIndex)
        catalogue = yield* loadCatalogue(reads)
      }
      const agentIds = isReset ? new Set(catalogue.agents()) : catalogue.settle()
      incomplete = false
      if (agentIds.size === 0) continue
      yield* Effect.forEach(listeners, (listener) => listener({ agentIds, index, traces }), { discard: true })
    }
  })

  // A caller that goes away waits no longer for its turn, but never leaves one half done.
  const catchUp = Effect.suspend(() =>
    incomplete || Queue.sizeUnsafe(applied) > 0 ? turn.withPermit(Effect.uninterruptible(takeIn)) : Effect.void
  )
  yield* Queue.peek(applied).pipe(
    Effect.andThen(catchUp),
    Effect.catchCause((cause) => Effect.logError("the configuration could not be read from the state", cause)),
    Effect.forever,
    Effect.forkScoped
  )

  return {
    catchUp,
    catalogue: () => catalogue,
    index: () => index,
    listen: (listener) =>
      Effect.acquireRelease(
        Effect.sync(() => listeners.add(listener)),
        () => Effect.sync(() => listeners.delete(listener))
      ).pipe(Effect.asVoid)
  }
})
