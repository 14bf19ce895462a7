/** Asks other masters, by their ids. Where they are, the state says; who they are, their certificates. */
import type { AgentId, MasterId } from "@nxmesh/protocol/Ids"
import type { AgentMessage, AgentReply, PresenceAnswer, PresenceQuestion } from "@nxmesh/protocol/peer/AgentMessage"
import type { PeerRefused, PeerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import type { PeerTelemetryAnswer, PeerTelemetryQuestion } from "@nxmesh/protocol/peer/TelemetryQuestion"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { Context, Duration, Effect, Layer, Result, Schema, Semaphore } from "effect"
import { HttpClientError } from "effect/http"
import { AskFailed, AskMaster } from "../cluster/AskMaster.ts"
import { NodeIdentity } from "../consensus/NodeIdentity.ts"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"
import { callsToWhoever, makePeerConnections, otherMaster, type PeerCalls } from "./PeerConnections.ts"
import { peerMetrics } from "./PeerMetrics.ts"

const { peer: limits } = Limits

/** Everything that a call of a derived client fails with. */
type CallError = PeerRefused | PeerUnavailable | HttpClientError.HttpClientError | Schema.SchemaError

const causeOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error ? cause.message : String(cause)
}

const isOtherMaster = (error: unknown): boolean => {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && "code" in cause && cause.code === otherMaster
}

const failureOf = (name: string, error: CallError): AskFailed => {
  switch (error._tag) {
    case "PeerRefused":
      return new AskFailed({
        reason: error.reason === "removed" ? "Removed" : "Refused",
        message: `${name} refused: ${error.detail}`
      })
    case "PeerUnavailable":
      return new AskFailed({ reason: "Unavailable", message: `${name} cannot: ${error.detail}` })
    case "SchemaError":
      return new AskFailed({
        reason: "Refused",
        message: `${name} answered what this master does not understand: run the same version on both`
      })
    case "HttpClientError":
      return error.response === undefined
        ? new AskFailed({
            reason: isOtherMaster(error.reason) ? "OtherMaster" : "Unreachable",
            message: `${name} cannot be reached: ${causeOf(error.reason)}`
          })
        : new AskFailed({ reason: "Unavailable", message: `${name} answered ${error.response.status}` })
  }
}

export class PeerClient extends Context.Service<
  PeerClient,
  {
    readonly status: (id: MasterId, deadline?: Duration.Input) => Effect.Effect<PeerStatus, AskFailed>
    /** The answer of the agent's session there. */
    readonly agentMessage: (
      id: MasterId,
      agentId: AgentId,
      message: AgentMessage,
      deadline?: Duration.Input
    ) => Effect.Effect<AgentReply, AskFailed>
    readonly presence: (
      id: MasterId,
      question: PresenceQuestion,
      deadline?: Duration.Input
    ) => Effect.Effect<PresenceAnswer, AskFailed>
    /** About what its agents told. */
    readonly telemetry: (
      id: MasterId,
      question: PeerTelemetryQuestion,
      deadline?: Duration.Input
    ) => Effect.Effect<PeerTelemetryAnswer, AskFailed>
  }
>()("@nxmesh/master/peer/PeerClient") {
  static readonly layer = Layer.effect(
    PeerClient,
    Effect.gen(function* () {
      const connections = yield* makePeerConnections
      const identity = yield* NodeIdentity
      const { calls: counted } = yield* peerMetrics
      const reads = yield* Reads
      const turn = yield* Semaphore.make(1)
      let waiting = 0

      /** One at a time, so that two callers do not make two clients for one master. */
      const callsTo = (id: MasterId) =>
        turn.withPermit(
          Effect.gen(function* () {
            const master = yield* reads.get("master", id)
            if (master === undefined) {
              yield* connections.keepOnly(new Set((yield* reads.masters).map((each) => each.id)))
              return yield* new AskFailed({
                reason: "Unknown",
                message: `master ${id} is not a member of this cluster`
              })
            }
            return { name: master.name, calls: yield* connections.to(master, yield* identity.current) }
          })
        )

      const ask = Effect.fn("PeerClient.ask")(function* <A>(
        id: MasterId,
        deadline: Duration.Input,
        call: (calls: PeerCalls) => Effect.Effect<A, CallError>
      ) {
        const { calls, name } = yield* callsTo(id)
        return yield* call(calls).pipe(
          Effect.mapError((error) => failureOf(name, error)),
          Effect.timeoutOrElse({
            duration: deadline,
            orElse: () =>
              Effect.fail(
                new AskFailed({
                  reason: "TimedOut",
                  message: `${name} did not answer within ${Duration.format(Duration.fromInputUnsafe(deadline))}`
                })
              )
          })
        )
      }, Effect.scoped)

      /** Bounded, so that a master that hangs cannot gather requests without end. */
      const bounded = <A>(effect: Effect.Effect<A, AskFailed>): Effect.Effect<A, AskFailed> =>
        Effect.acquireUseRelease(
          Effect.sync(() => (waiting += 1)),
          (count) =>
            count > limits.callsWaitingMax
              ? Effect.fail(
                  new AskFailed({ reason: "Unavailable", message: "too many calls to other masters are waiting" })
                )
              : effect,
          () => Effect.sync(() => void (waiting -= 1))
        ).pipe(
          Effect.tap(() => Effect.sync(() => counted.inc({ outcome: "answered" }))),
          Effect.tapError(({ reason }) => Effect.sync(() => counted.inc({ outcome: reason })))
        )

      /**
       * The cluster may have gone on as another one, whose masters have other ids: whoever is there says whether this
       * master was removed. Nothing else of the answer counts.
       */
      const isRemovedElsewhere = Effect.fnUntraced(function* (id: MasterId, failure: AskFailed) {
        const master = yield* reads.get("master", id)
        if (master === undefined) return yield* failure
        const calls = yield* callsToWhoever(master, yield* identity.current)
        const answer = yield* Effect.result(calls.status.status())
        const told = Result.isFailure(answer)
          ? failureOf(`the master at ${master.agent_address}`, answer.failure)
          : failure
        return yield* told.reason === "Removed" ? told : failure
      }, Effect.scoped)

      const status = (id: MasterId, deadline: Duration.Input) =>
        ask(id, deadline, (calls) => calls.status.status()).pipe(
          Effect.catch((failure) =>
            failure.reason === "OtherMaster"
              ? isRemovedElsewhere(id, failure).pipe(
                  Effect.timeoutOrElse({ duration: deadline, orElse: () => Effect.fail(failure) })
                )
              : Effect.fail(failure)
          )
        )

      return PeerClient.of({
        status: (id, deadline = limits.callTimeout) => bounded(status(id, deadline)),
        agentMessage: (id, agentId, message, deadline = limits.callTimeout) =>
          bounded(ask(id, deadline, (calls) => calls.agents.message({ params: { id: agentId }, payload: message }))),
        presence: (id, question, deadline = limits.callTimeout) =>
          bounded(ask(id, deadline, (calls) => calls.agents.presence({ payload: question }))),
        telemetry: (id, question, deadline = limits.callTimeout) =>
          bounded(ask(id, deadline, (calls) => calls.telemetry.ask({ payload: question })))
      })
    })
  )

  /** For the parts that only ask how another master is. */
  static readonly layerAskMaster = Layer.effect(
    AskMaster,
    Effect.map(PeerClient, ({ status }) => AskMaster.of({ status }))
  )
}
