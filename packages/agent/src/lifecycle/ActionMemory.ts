/**
 * What came of the last actions, kept on the disk: an action that is asked for twice is done once, also when the agent ended in
 * between. One that a crash cut off is remembered as such, because nobody knows how far it came.
 */
import { Context, DateTime, Effect, Layer, Option, Ref, Schema } from "effect"
import { join } from "node:path"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import { ActionId } from "@nxmesh/protocol/Ids"
import { ActionOutcome } from "@nxmesh/protocol/model/AgentAction"
import { Limits } from "../Limits.ts"

const Entry = Schema.Struct({
  action_id: ActionId,
  started_at: Schema.String,
  /** `null` while it runs. */
  outcome: Schema.NullOr(ActionOutcome)
})
const Entries = Schema.Array(Entry)
/** Oldest first. */
export type Entries = typeof Entries.Type

const Text = Schema.fromJsonString(Entries)

/** With one that begins; the oldest go. Pure. */
export const begun = (entries: Entries, action_id: ActionId, started_at: string): Entries =>
  [...entries, { action_id, started_at, outcome: null }].slice(-Limits.actionsRememberedMax)

/** With how one ended. Pure. */
export const ended = (entries: Entries, outcome: ActionOutcome): Entries =>
  entries.map((entry) => (entry.action_id === outcome.action_id ? { ...entry, outcome } : entry))

/** What a start makes of those that a crash cut off. Pure. */
export const cutOff = (entries: Entries, now: string): Entries =>
  entries.map((entry) =>
    entry.outcome !== null
      ? entry
      : {
          ...entry,
          outcome: {
            action_id: entry.action_id,
            status: "failed",
            message:
              "the agent ended in the middle of this, and how far it came is not known: see the agent's state, and ask again if need be",
            started_at: entry.started_at,
            finished_at: now,
            errors: []
          }
        }
  )

export class ActionMemory extends Context.Service<
  ActionMemory,
  {
    readonly outcomeOf: (actionId: ActionId) => Effect.Effect<ActionOutcome | null>
    readonly begin: (actionId: ActionId, startedAt: string) => Effect.Effect<void>
    readonly end: (outcome: ActionOutcome) => Effect.Effect<void>
  }
>()("@nxmesh/agent/lifecycle/ActionMemory") {
  static readonly layer = (dataDirectory: string): Layer.Layer<ActionMemory, FileError> =>
    Layer.effect(ActionMemory, make(dataDirectory))
}

const make = Effect.fnUntraced(function* (dataDirectory: string) {
  const path = join(dataDirectory, "actions.json")
  yield* AtomicFile.makeDirectory(dataDirectory)
  const entries = yield* Ref.make(cutOff(yield* read(path), DateTime.formatIso(yield* DateTime.now)))
  // A full disk must not keep anybody from starting nginx: what is not kept is remembered until the agent ends.
  const become = Effect.fnUntraced(function* (change: (before: Entries) => Entries) {
    const next = yield* Ref.updateAndGet(entries, change)
    yield* Effect.catch(AtomicFile.write(path, Schema.encodeSync(Text)(next)), (error) =>
      Effect.logWarning(`an action is not remembered for a restart: ${error.message}`)
    )
  })
  return ActionMemory.of({
    outcomeOf: (actionId) =>
      Effect.map(Ref.get(entries), (all) => all.findLast((entry) => entry.action_id === actionId)?.outcome ?? null),
    begin: (actionId, startedAt) => become((before) => begun(before, actionId, startedAt)),
    end: (outcome) => become((before) => ended(before, outcome))
  })
})

const read = Effect.fnUntraced(function* (path: string) {
  const bytes = yield* AtomicFile.readIfExists(path)
  const kept = bytes === null ? Option.none() : Schema.decodeUnknownOption(Text)(new TextDecoder().decode(bytes))
  if (bytes !== null && Option.isNone(kept)) yield* Effect.logWarning(`${path} cannot be read and begins anew`)
  return Option.getOrElse(kept, (): Entries => [])
})
