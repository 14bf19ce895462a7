import { Cause, Data } from "effect"
import type { Index } from "../../core/Types.ts"

const textOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** What failed, in one line: the first error or defect of an effect. */
export const failureText = (cause: Cause.Cause<unknown>): string => textOf(Cause.squash(cause))

/** The state machine broke its contract, or the file it lives in failed. The node stops: it must not apply the next entry. */
export class StateMachineFailed extends Data.TaggedError("StateMachineFailed")<{
  readonly operation: "load" | "apply" | "query" | "restore"
  /** The last entry that is applied. */
  readonly applied: Index
  readonly cause: unknown
}> {
  override get message(): string {
    const advice =
      "Check the disk and its free space, then start the node again: it goes on after the last entry that was stored. If it fails at the same entry on every node, the state machine has a defect; if on this one alone, remove the node, empty its data directory and let it join as a new one."
    return `the state machine cannot ${this.operation} after entry ${this.applied}: ${textOf(this.cause)}. ${advice}`
  }
}
