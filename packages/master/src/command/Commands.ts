/**
 * The one way to change the state: a command is checked, proposed to Raft, committed by a majority, applied in the log's
 * order, and answered with what apply on this master said. Any master takes any command; Raft brings it to the leader.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { sampledTraceparent } from "@nxmesh/core/observe/Traceparent"
import { raftRetry } from "@nxmesh/core/policy/Schedules"
import { schemaDetails } from "@nxmesh/protocol/api/SchemaDetails"
import { versionNeeded, versionProblem } from "@nxmesh/protocol/ClusterVersion"
import { Command, type Idempotency, type Outcome, type Proposal } from "@nxmesh/protocol/Command"
import { CommandId } from "@nxmesh/protocol/Ids"
import type { Principal } from "@nxmesh/protocol/Principal"
import type { ErrorCode, ErrorDetail } from "@nxmesh/protocol/Rejection"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import type { NodeStopped } from "@nxmesh/raft/node/NodeStopped"
import { Clock, Context, Deferred, Duration, Effect, Layer, Ref, Schema, Stream } from "effect"
import { Limits } from "../Limits.ts"
import { Reads } from "../state/Reads.ts"
import { decodeOutcome, encodeProposal } from "../state/replica/CommandBytes.ts"
import { Busy, CommandError, commandErrorOf, CommandRejected } from "./CommandError.ts"
import { commandMetrics } from "./CommandMetrics.ts"
import { observed, servingAtStart, servingProblem } from "./Serving.ts"
import { CurrentOrigin } from "./RequestOrigin.ts"
import { WriteGate } from "./WriteGate.ts"

export { Busy, CommandError, CommandRejected, LogFull, NoLeader, OutcomeUnknown, Stopping } from "./CommandError.ts"

export type Accepted = Extract<Outcome, { readonly _tag: "Accepted" }>

export interface SubmitRequest {
  readonly principal: Principal
  readonly command: Command
  /** Under which key a repeated request gets the first one's answer. */
  readonly idempotency?: Idempotency | null
  readonly remoteAddress?: string | null
  /** Of a leader's task: the term in which it leads. Outside it the command is refused (rule 8). */
  readonly fence?: { readonly term: number }
}

/** Refused before it is logged: apply and replay may rely on a command's shape. */
const malformed = (code: ErrorCode, message: string, details: ReadonlyArray<ErrorDetail> = []) =>
  new CommandRejected({ index: 0, rejection: { code, message, details } })

const decodeCommand = Schema.decodeUnknownEffect(Schema.toType(Command), { errors: "all" })

const checked = (command: Command): Effect.Effect<Command, CommandRejected> =>
  Effect.mapError(decodeCommand(command), (error) =>
    malformed("VALIDATION_ERROR", `${command._tag} is not well formed`, schemaDetails(error))
  )

const proposalOf = Effect.fnUntraced(function* (request: SubmitRequest) {
  const origin = yield* CurrentOrigin
  const identifiers = yield* Identifiers
  const trace = yield* sampledTraceparent
  const proposal: Proposal = {
    id: CommandId.make(yield* identifiers.uuid),
    at_millis: yield* Clock.currentTimeMillis,
    principal: request.principal,
    idempotency: request.idempotency ?? null,
    remote_address: request.remoteAddress ?? null,
    ...(origin === null ? {} : { origin }),
    ...(request.fence === undefined ? {} : { fence: request.fence }),
    ...(trace === undefined ? {} : { trace }),
    command: yield* checked(request.command)
  }
  const payload = encodeProposal(proposal)
  if (payload.length <= Limits.command.commandBytesMax) return { id: proposal.id, payload }
  return yield* malformed("PAYLOAD_TOO_LARGE", `a change may have at most ${Limits.command.commandBytesMax} bytes`)
})

/** What is known of the node, kept up to date for as long as the scope lasts. */
const watchNode = Effect.fnUntraced(function* (node: RaftNode["Service"]) {
  const serving = yield* Ref.make(servingAtStart(yield* Clock.currentTimeMillis))
  const caughtUp = yield* Deferred.make<void>()
  const look = Effect.fnUntraced(function* () {
    const status = yield* node.status
    const nowMillis = yield* Clock.currentTimeMillis
    const seen = yield* Ref.updateAndGet(serving, (before) => observed(before, status, nowMillis))
    return servingProblem(seen, status, nowMillis)
  })
  yield* Effect.forkScoped(Stream.runForEach(node.statuses, look))
  yield* node.read.pipe(
    Effect.retry(raftRetry),
    Effect.andThen(Ref.update(serving, (before) => ({ ...before, caughtUp: true }))),
    Effect.andThen(Deferred.succeed(caughtUp, undefined)),
    Effect.forkScoped
  )
  return { problem: look(), caughtUp: Deferred.await(caughtUp) }
})

export class Commands extends Context.Service<
  Commands,
  {
    /**
     * Committed by a majority, and visible to every read on this master, when it succeeds. A caller that goes away does not
     * take its command with it.
     */
    readonly submit: (request: SubmitRequest) => Effect.Effect<Accepted, CommandRejected | CommandError>
    /** Fails when this master cannot go on, and never ends otherwise: the program must stop then. */
    readonly failure: Effect.Effect<never, NodeStopped>
    /** Why nobody should be sent here, for `/readyz`; `null` when nothing is wrong. */
    readonly problem: Effect.Effect<string | null>
    /** Done when the state here has been where the leader was, once since the start. */
    readonly caughtUp: Effect.Effect<void>
  }
>()("@nxmesh/master/command/Commands") {
  static readonly layer = Layer.effect(
    Commands,
    Effect.gen(function* () {
      const gate = yield* WriteGate
      const identifiers = yield* Identifiers
      const metrics = yield* commandMetrics
      const node = yield* RaftNode
      const reads = yield* Reads
      const { caughtUp, problem } = yield* watchNode(node)
      let waiting = 0

      /** The term's task may have become the task of a term of before while it worked: then nothing is proposed. */
      const heldFence = Effect.fnUntraced(function* ({ fence }: SubmitRequest) {
        if (fence === undefined) return
        const { role, term } = yield* node.status
        if (role !== "Leader" || term !== fence.term) return yield* malformed("CONFLICT", "leadership changed")
      })

      /** What the cluster's version does not have yet stays out of the log: a master of an older build could not apply it (rule 6). */
      const requireVersion = Effect.fnUntraced(function* (command: Command) {
        if (versionNeeded(command) === 1) return
        const state = yield* reads.clusterState
        const problem = versionProblem(command, state?.clusterVersion ?? 1)
        if (problem !== null) return yield* malformed("UNPROCESSABLE", problem)
      })

      const propose = Effect.fnUntraced(function* (payload: Uint8Array, id: CommandId) {
        if (waiting >= Limits.command.waitingMax) return yield* new CommandError({ reason: new Busy() })
        metrics.waiting.set(++waiting)
        const { result } = yield* node.propose(payload).pipe(
          Effect.mapError((error) => commandErrorOf(error, id)),
          Effect.ensuring(Effect.sync(() => metrics.waiting.set(--waiting)))
        )
        const outcome = decodeOutcome(result)
        const { role, term } = yield* node.status
        yield* Effect.annotateCurrentSpan({
          "nxmesh.raft.index": outcome.index,
          "nxmesh.raft.term": term,
          "nxmesh.raft.role": role,
          "nxmesh.outcome": outcome._tag === "Accepted" ? "accepted" : outcome.rejection.code
        })
        return outcome
      })

      /** From the proposal to this master's own result. What apply does everywhere is a child of this span. */
      const proposed = Effect.fnUntraced(
        function* (request: SubmitRequest) {
          const { id, payload } = yield* Effect.provideService(proposalOf(request), Identifiers, identifiers)
          return yield* Effect.timed(propose(payload, id))
        },
        (effect, { command }) =>
          Effect.withSpan(effect, "Raft.propose", { kind: "client", attributes: { "nxmesh.command": command._tag } })
      )

      const submit = Effect.fn("Commands.submit")(
        function* (request: SubmitRequest) {
          const closed = yield* gate.refusal(request.command._tag)
          if (closed !== null) return yield* new CommandError({ reason: closed })
          yield* requireVersion(request.command)
          yield* heldFence(request)
          const [took, outcome] = yield* proposed(request)
          metrics.duration.observe(Duration.toSeconds(took))
          if (outcome._tag === "Accepted") return outcome
          return yield* new CommandRejected({ rejection: outcome.rejection, index: outcome.index })
        },
        Effect.tapError((error) =>
          Effect.sync(() => {
            if (error._tag === "CommandError") metrics.failures.inc({ reason: error.reason._tag })
          })
        )
      )

      return Commands.of({ submit, failure: node.stopped, problem, caughtUp })
    })
  )
}
