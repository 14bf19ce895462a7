/** How a submitted command can end without an answer, or with a refusal. In process only: the API answers its own. */
import type { CommandId } from "@nxmesh/protocol/Ids"
import type { Rejection } from "@nxmesh/protocol/Rejection"
import type { ProposeError, RefusalReason } from "@nxmesh/raft/node/RequestError"
import { Data } from "effect"
import type { WritesRefused } from "./WriteGate.ts"

/** Too many changes are under way. Nothing was done; try again. */
export class Busy extends Data.TaggedError("Busy") {
  override get message() {
    return "more changes are under way than the cluster takes at once: try again in a moment"
  }
}

/** No leader took the command in time. Nothing was done; try again, or ask another master. */
export class NoLeader extends Data.TaggedError("NoLeader")<{ readonly detail: string }> {
  override get message() {
    return `no leader took the change: ${this.detail}`
  }
}

/** The log has reached its bound, since no snapshot of the state can be made. Nothing was done. */
export class LogFull extends Data.TaggedError("LogFull") {
  override get message() {
    return "the log has reached its bound because no snapshot of the state can be made: look at the leader's disk and log"
  }
}

/** One entry of the log does not take so much. Nothing was done, and nothing would be the next time. */
export class TooLarge extends Data.TaggedError("TooLarge") {
  override get message() {
    return "the change is larger than one entry of the log may be: make it smaller, or several of it"
  }
}

/** The master is shutting down, or has stopped. Nothing was done. */
export class Stopping extends Data.TaggedError("Stopping") {
  override get message() {
    return "this master is stopping: send the change again when it is back, or to another master"
  }
}

/** The command may or may not have been done. */
export class OutcomeUnknown extends Data.TaggedError("OutcomeUnknown")<{ readonly commandId: CommandId }> {
  override get message() {
    return `whether the change was made is unknown (command ${this.commandId}): read the resource, or repeat the request under the same Idempotency-Key`
  }
}

export type CommandErrorReason = Busy | NoLeader | LogFull | TooLarge | Stopping | OutcomeUnknown | WritesRefused

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

/** True when nothing was done and the same command may well be taken in a moment. */
export const isTransient = ({ reason }: CommandError): boolean => reason._tag === "Busy" || reason._tag === "NoLeader"

const refusalOf = (reason: RefusalReason, detail: string): CommandErrorReason => {
  switch (reason) {
    case "NotLeader":
    case "LeadershipLost":
    case "TransferInProgress":
    case "TimedOut":
      return new NoLeader({ detail })
    case "LogFull":
      return new LogFull()
    case "TooLarge":
      return new TooLarge()
    case "Stopped":
      return new Stopping()
    default:
      return new Busy()
  }
}

/** Pure: what Raft's answer means for who gave the command. */
export const commandErrorOf = (error: ProposeError, commandId: CommandId): CommandError =>
  new CommandError({
    reason: error._tag === "OutcomeUnknown" ? new OutcomeUnknown({ commandId }) : refusalOf(error.reason, error.message)
  })
