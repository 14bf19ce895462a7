import { Data } from "effect"

/** The files of a state machine are not what they have to be. */
export class StateFileError extends Data.TaggedError("StateFileError")<{
  readonly file: string
  /** What is wrong, as half a sentence. */
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message(): string {
    const advice =
      "Empty the state machine's directory and start the node again: it restores itself from its own snapshot and log."
    return `${this.file}: ${this.detail}. ${advice}`
  }
}
