import { Data } from "effect"

/** What somebody sent is no message: it runs another version, or is no part of this cluster. The connection ends. */
export class MalformedMessage extends Data.TaggedError("MalformedMessage")<{ readonly cause: unknown }> {
  override get message(): string {
    return `a peer sent what is no message; check that all nodes run compatible versions: ${String(this.cause)}`
  }
}
