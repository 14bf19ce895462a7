/**
 * What a traced command went through before anybody was told: Raft's commit and apply, as spans of every master. Apply runs
 * outside of any fiber, so they are recorded when it is over.
 */
import { recordSpan } from "@nxmesh/core/observe/RecordedSpan"
import { parseTraceparent, traceparentOf } from "@nxmesh/core/observe/Traceparent"
import { Tracing } from "@nxmesh/core/observe/Tracing"
import type { Event } from "@nxmesh/protocol/Event"
import { Clock, Effect, Tracer } from "effect"
import { Limits } from "../../Limits.ts"
import type { AppliedEntry, Entry } from "../apply/Apply.ts"
import type { Unreadable } from "../StateMachine.ts"

/** Attributes of OB-002, of the first resource that changed. */
const attributesOf = (events: ReadonlyArray<Event>): Record<string, string> => {
  const changed = events.find((event) => event._tag === "ResourceChanged")
  if (changed === undefined) return {}
  const { id, kind, organization_id, workspace_id } = changed
  return {
    [kind === "agent" ? "nxmesh.agent_id" : "nxmesh.config_id"]: id,
    "nxmesh.kind": kind,
    ...(organization_id === null ? {} : { "nxmesh.organization_id": organization_id }),
    ...(workspace_id === null ? {} : { "nxmesh.workspace_id": workspace_id })
  }
}

export interface ApplyTrace {
  /** Nanoseconds since 1970: to be asked before a batch is applied, and after. */
  readonly nowNanos: () => bigint
  /** Where each entry's trace goes on, by its place in the batch. */
  readonly end: (
    beganNanos: bigint,
    entries: ReadonlyArray<Entry | Unreadable>,
    results: ReadonlyArray<AppliedEntry>
  ) => ReadonlyArray<string | undefined>
}

export const makeApplyTrace: Effect.Effect<ApplyTrace> = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const tracer = yield* Tracer.Tracer
  const { counts } = yield* Tracing
  const isOn = counts() !== null

  const trace = (entry: Entry, result: AppliedEntry, beganNanos: bigint, endNanos: bigint): string | undefined => {
    const parent = parseTraceparent(entry.proposal.trace)
    if (parent === undefined || !isOn) return entry.proposal.trace
    const attributes = {
      "nxmesh.command": entry.proposal.command._tag,
      "nxmesh.raft.index": entry.index,
      "nxmesh.raft.term": entry.term
    }
    const appendedNanos = BigInt(entry.atMillis) * 1_000_000n
    recordSpan(tracer, { name: "Raft.commit", parent, startNanos: appendedNanos, endNanos: beganNanos, attributes })
    const { events, outcome } = result
    const applied = recordSpan(tracer, {
      name: "State.apply",
      parent,
      startNanos: beganNanos,
      endNanos,
      attributes: {
        ...attributes,
        ...attributesOf(events),
        "nxmesh.outcome": outcome._tag === "Accepted" ? "accepted" : outcome.rejection.code
      }
    })
    return applied === undefined ? undefined : traceparentOf(applied)
  }

  return {
    nowNanos: () => clock.currentTimeNanosUnsafe(),
    end: (beganNanos, entries, results) => {
      if (!entries.some((entry) => "proposal" in entry && entry.proposal.trace !== undefined)) return []
      const endNanos = clock.currentTimeNanosUnsafe()
      // What is applied once more after a start was traced when it was proposed.
      const oldestMillis = Number(endNanos / 1_000_000n) - Limits.state.traceAgeMillisMax
      return results.map((result, position) => {
        const entry = entries[position]
        if (entry === undefined || !("proposal" in entry) || entry.atMillis < oldestMillis) return undefined
        return trace(entry, result, beganNanos, endNanos)
      })
    }
  }
})
