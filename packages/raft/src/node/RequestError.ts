/** How a request to a node fails. Whoever asks has to tell two cases apart: nothing happened, or nobody knows. */
import { Data } from "effect"
import type { NodeId } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { Failure } from "./HostMessage.ts"

export type RefusalReason = Extract<Failure, { readonly _tag: "Refused" }>["reason"] | "TimedOut"
export type UnknownReason = Extract<Failure, { readonly _tag: "Unknown" }>["reason"]

const busy = "the cluster is busy: try again a little later"
const another = "ask again for the configuration that is in effect, then decide anew"

const refusals: Readonly<Record<RefusalReason, string>> = {
  NotLeader: "no leader was known in time: a majority of the nodes must be up and reach each other",
  LeadershipLost: "the leader changed meanwhile: try again",
  TooMuchUncommitted: busy,
  TooMuchUnapplied: busy,
  TooManyReads: busy,
  TransferInProgress: "leadership is being handed over: try again",
  ConfigurationInProgress: "another change of members is not finished: wait for it",
  ConfigurationBeforeTermCommit: "the leader is new: try again",
  ConfigurationOutdated: `the members changed meanwhile: ${another}`,
  ConfigurationInvalid: "no voter would be left, or a node would be both voter and learner: correct the change",
  LogFull: "the log has reached its limit because no snapshot could be made: look at the disk and at the state machine",
  SessionExpired: "the node's session expired, and the command was not executed: try again",
  TooManyAnswers: busy,
  TooLarge: `a command has at most ${Limits.node.commandBytesMax} bytes: make it smaller, or several of it`,
  Stopped: "the node has stopped: ask another one, and see in its log why",
  TimedOut: "there was no answer in time: try again"
}

const unknowns: Readonly<Record<UnknownReason, string>> = {
  TimedOut: "there was no answer in time",
  SessionExpired: "its session expired before the answer was known",
  TooManyAnswers: "its answer is not kept any more",
  Stopped: "the node stopped"
}

/** Nothing happened, and nothing will. */
export class RequestRefused extends Data.TaggedError("RequestRefused")<{
  readonly reason: RefusalReason
  /** Who leads, as far as this node knows. */
  readonly leader: NodeId | null
}> {
  override get message(): string {
    return `Refused (${this.reason}): ${refusals[this.reason]}.`
  }
}

/** It may have happened, or may still: once, or not at all. Read the state before doing it again. */
export class OutcomeUnknown extends Data.TaggedError("OutcomeUnknown")<{ readonly reason: UnknownReason }> {
  override get message(): string {
    return `Unknown (${this.reason}): ${unknowns[this.reason]}. Read the state to see whether it happened, before doing it again.`
  }
}

export type ProposeError = RequestRefused | OutcomeUnknown

/** Of a proposal or a change of members. */
export const proposeError = (failure: Failure): ProposeError =>
  failure._tag === "Refused"
    ? new RequestRefused({ reason: failure.reason, leader: failure.leader })
    : new OutcomeUnknown({ reason: failure.reason })

/** A read without an answer did nothing, whatever became of it. */
export const readError = (failure: Failure): RequestRefused =>
  new RequestRefused({ reason: failure.reason, leader: failure._tag === "Refused" ? failure.leader : null })
