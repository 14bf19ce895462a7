/** A file operation that the operating system refused. Never crosses a wire. */
import { TaggedError } from "effect/Data"

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** The `code` of a Node system error, as in `ENOENT`, or `null`. */
export const errorCode = (cause: unknown): string | null =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : null

export class FileError extends TaggedError("FileError")<{
  /** A verb, as in `write` or `fsync`. */
  readonly operation: string
  readonly path: string
  readonly cause: unknown
}> {
  override get message(): string {
    return `cannot ${this.operation} ${this.path}: ${reasonOf(this.cause)}`
  }

  /** `ENOENT` and its like, or `null` when the cause is not a system error. */
  get code(): string | null {
    return errorCode(this.cause)
  }
}
