/** How a submitted command can end without an answer, or with a refusal. In process only: the API answers its own. */
import type { CommandId } from "@nxmesh/protocol/Ids"
import type { Rejection } from "@nxmesh/protocol/Rejection"
import { Data } from "effect"

/** Too many commands wait for the disk. Nothing was done; try again. */
export class LogFull extends Data.TaggedError("LogFull")<{ readonly waiting: number }> {
  override get message() {
    return `${this.waiting} changes are waiting to be written: try again in a moment`
  }
}

/** The log or the state cannot be written any more. Nothing was done; the master stops. */
export class LogFailed extends Data.TaggedError("LogFailed")<{ readonly cause: unknown }> {
  override get message() {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `changes cannot be written: ${why}; mend it and start the master again`
  }
}

/** The master is shutting down. Nothing was done. */
export class Stopping extends Data.TaggedError("Stopping") {
  override get message() {
    return "this master is stopping: send the change again when it is back"
  }
}

/** The command may or may not have been done. */
export class OutcomeUnknown extends Data.TaggedError("OutcomeUnknown")<{ readonly commandId: CommandId }> {
  override get message() {
    return `whether the change was made is unknown (command ${this.commandId}): read the resource, or repeat the request under the same Idempotency-Key`
  }
}

export type CommandErrorReason = LogFull | LogFailed | Stopping | OutcomeUnknown

export class CommandError extends Data.TaggedError("CommandError")<{ readonly reason: CommandErrorReason }> {
  override get message() {
    return this.reason.message
  }
}

/** The command was looked at and refused, for good: its rejection is committed in the log at `index`. */
export class CommandRejected extends Data.TaggedError("CommandRejected")<{
  readonly rejection: Rejection
  readonly index: number
}> {
  override get message() {
    return this.rejection.message
  }
}
