/** What the outbox knows of itself beside its segments, in a small file that is replaced as a whole. */
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Effect, Option, Schema } from "effect"
import * as Counts from "./Counts.ts"

const Natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

const OutboxState = Schema.Struct({
  outbox_id: Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(64)),
  /** The highest sequence that a master has. */
  acknowledged: Natural,
  /** Of this outbox, since it began. */
  dropped: Schema.Struct({ health: Natural, logs: Natural, metrics: Natural }),
  /** False while an agent runs: found so at a start, it did not end in good order. */
  closed: Schema.Boolean
})
export type OutboxState = typeof OutboxState.Type

const StateText = Schema.fromJsonString(OutboxState)

export const newState = (outboxId: string): OutboxState => ({
  outbox_id: outboxId,
  acknowledged: 0,
  dropped: Counts.none,
  closed: true
})

/** `null` when there is none, or none that can be read: then another outbox begins. */
export const readState = Effect.fnUntraced(function* (path: string): Effect.fn.Return<OutboxState | null, FileError> {
  const bytes = yield* AtomicFile.readIfExists(path)
  if (bytes === null) return null
  const state = Schema.decodeUnknownOption(StateText)(new TextDecoder().decode(bytes))
  if (Option.isSome(state)) return state.value
  yield* Effect.logWarning(`${path} cannot be read: what waits there may reach the masters twice`)
  return null
})

export const writeState = (path: string, state: OutboxState): Effect.Effect<void, FileError> =>
  AtomicFile.write(path, Schema.encodeSync(StateText)(state))

/**
 * The first sequence that may be used. After a crash or a power cut some that masters have seen may be missing from the
 * disk: a leap over more than could have been written in between keeps new reports from looking like them.
 */
export const nextSequence = ({ acknowledged, closed }: OutboxState, lastOnDisk: number, leap: number): number =>
  Math.max(acknowledged, lastOnDisk) + 1 + (closed ? 0 : leap)
