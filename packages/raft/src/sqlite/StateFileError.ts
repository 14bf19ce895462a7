import { Data } from "effect"

/** A file of the state is not what it has to be. What the node has in memory and serves is not touched. */
export class StateFileError extends Data.TaggedError("StateFileError")<{
  readonly file: string
  /** What is wrong, as half a sentence. */
  readonly detail: string
  readonly cause?: unknown
}> {
  override get message(): string {
    return `${this.file}: ${this.detail}`
  }
}
