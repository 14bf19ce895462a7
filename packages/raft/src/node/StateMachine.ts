/**
 * What is replicated: the interface that the user of this package implements. Every node applies the same commands in
 * the same order, so `apply` must depend on nothing but the state and the commands: no clock, no chance, no order of a
 * hash map. Time is the command's (`millis`), random values travel inside it (thesis 6.3).
 */
import type { Effect } from "effect"
import type { Index, Term } from "../core/Types.ts"
import type { SessionChanges, SessionRow } from "./Sessions.ts"

/** A command that every member is going to execute, once, at this place of the log. */
export interface Command {
  readonly index: Index
  readonly term: Term
  /**
   * Milliseconds since 1970, whole: when the leader appended the entry, by its wall clock. The same on every node. It may
   * go back, for clocks are set and leaders change: a state machine that needs time to go forward keeps the largest.
   */
  readonly millis: number
  readonly data: Uint8Array
}

/** What one transaction does. */
export interface Batch {
  /** To be executed in this order. May be empty: then only the index moves. */
  readonly commands: ReadonlyArray<Command>
  /** The entry that counts as the last one applied afterwards. */
  readonly last: { readonly index: Index; readonly term: Term }
  /** What sessions look like afterwards, from the results of `commands` in their order. Called once. */
  readonly sessionChanges: (results: ReadonlyArray<Uint8Array>) => SessionChanges
}

/** What a state machine holds, read from its own durable state. */
export interface MachineState {
  /** 0: nothing was ever applied. */
  readonly applied: Index
  readonly sessions: ReadonlyArray<SessionRow>
}

/** The whole state at one index, as bytes that do not change while apply goes on. */
export interface SnapshotImage {
  /** The last entry that is in it. */
  readonly index: Index
  readonly bytes: number
  /** At least one byte below `bytes`. */
  readonly read: (offset: number, bytesMax: number) => Effect.Effect<Uint8Array, unknown>
  readonly close: Effect.Effect<void>
}

/**
 * A failure or an exception of any of these stops the node, for a replica that could not apply an entry must not apply the
 * next one. The one exception is `snapshot`: without it the log grows, and the node tries again later.
 */
export interface StateMachine {
  /** After opening, and again after `restore`. */
  readonly load: () => MachineState
  /**
   * In one transaction: executes the commands, stores the changes of sessions, and stores `last` as applied. After a
   * crash either all of it is there or nothing. It may be lost as a whole: what follows `applied` is applied again.
   * Returns the result of each command. A command that means nothing to this machine does nothing and has a result that
   * says so, the same on every node: throwing is for a disk that fails.
   */
  readonly apply: (batch: Batch) => ReadonlyArray<Uint8Array>
  /**
   * A read. What an answer says is only as new as what is applied; whoever asks has seen to that. Questions come from
   * clients: one that means nothing has an answer that says so.
   */
  readonly query: (question: Uint8Array) => Uint8Array
  /** Made while entries are applied. It may be ended, by `close`, before all of it was read. */
  readonly snapshot: Effect.Effect<SnapshotImage, unknown>
  /** Replaces the whole state by `image`, durable when it returns. A crash on the way leaves the old state or the new one. */
  readonly restore: (image: SnapshotImage) => Effect.Effect<void, unknown>
}
