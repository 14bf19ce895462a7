/**
 * The one way to change the state: a command is stamped, written to the log, applied in the log's order and answered.
 * Commands that arrive while an fsync is under way share the next one (group commit), and while a batch is applied the
 * next is written already.
 */
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { schemaDetails } from "@nxmesh/protocol/api/SchemaDetails"
import { Command, type Idempotency, type Outcome, type Proposal } from "@nxmesh/protocol/Command"
import { CommandId } from "@nxmesh/protocol/Ids"
import type { Principal } from "@nxmesh/protocol/Principal"
import type { ErrorCode, ErrorDetail } from "@nxmesh/protocol/Rejection"
import { type Cause, Clock, Context, Deferred, Effect, Layer, Queue, Ref, Schema } from "effect"
import { Limits } from "../Limits.ts"
import { Database } from "../state/Database.ts"
import { Events } from "../state/Events.ts"
import { makeStateMachine } from "../state/StateMachine.ts"
import { CommandError, CommandRejected, LogFailed, LogFull, Stopping } from "./CommandError.ts"
import { CommandLog } from "./CommandLog.ts"
import { commandMetrics } from "./CommandMetrics.ts"
import { encodeProposal, replay } from "./Replay.ts"
import { startWriter, type Submitted } from "./Writer.ts"

export { CommandError, CommandRejected, LogFailed, LogFull, OutcomeUnknown, Stopping } from "./CommandError.ts"

export type Accepted = Extract<Outcome, { readonly _tag: "Accepted" }>

export interface SubmitRequest {
  readonly principal: Principal
  readonly command: Command
  /** Under which key a repeated request gets the first one's answer. */
  readonly idempotency?: Idempotency | null
  readonly remoteAddress?: string | null
}

/** Refused before it is logged: apply and replay may rely on a command's shape. */
const malformed = (code: ErrorCode, message: string, details: ReadonlyArray<ErrorDetail> = []) =>
  new CommandRejected({ index: 0, rejection: { code, message, details } })

const decodeCommand = Schema.decodeUnknownEffect(Schema.toType(Command), { errors: "all" })

const checked = (command: Command): Effect.Effect<Command, CommandRejected> =>
  Effect.mapError(decodeCommand(command), (error) =>
    malformed("VALIDATION_ERROR", `${command._tag} is not well formed`, schemaDetails(error))
  )

export class Commands extends Context.Service<
  Commands,
  {
    /**
     * Durable and visible to every read when it succeeds. A caller that goes away does not take its command with it.
     */
    readonly submit: (request: SubmitRequest) => Effect.Effect<Accepted, CommandRejected | CommandError>
    /** Fails when the log or the state cannot be written any more, and never ends otherwise: the program must stop then. */
    readonly failure: Effect.Effect<never, LogFailed>
    /** Whether commands are taken, for `/readyz`. */
    readonly ready: Effect.Effect<boolean>
  }
>()("@nxmesh/master/command/Commands") {
  static readonly layer = Layer.effect(
    Commands,
    Effect.gen(function* () {
      const database = yield* Database
      const events = yield* Events
      const identifiers = yield* Identifiers
      const log = yield* CommandLog
      const metrics = yield* commandMetrics
      const machine = makeStateMachine(database.writer)
      yield* replay(log, machine)
      metrics.appliedIndex.set(machine.appliedIndex())

      const waiting = yield* Queue.dropping<Submitted, Cause.Done>(Limits.command.waitingMax)
      const failed = yield* Deferred.make<never, LogFailed>()
      const refusal = yield* Ref.make<Stopping | LogFailed | undefined>(undefined)
      const stop = yield* startWriter({
        waiting,
        log,
        machine,
        events,
        metrics,
        fail: (error) => Ref.set(refusal, error).pipe(Effect.andThen(Deferred.fail(failed, error)))
      })
      yield* Effect.addFinalizer(() => Ref.set(refusal, new Stopping()).pipe(Effect.andThen(stop)))

      const submit = Effect.fn("Commands.submit")(function* (request: SubmitRequest) {
        const refused = yield* Ref.get(refusal)
        if (refused !== undefined) return yield* new CommandError({ reason: refused })
        const command = yield* checked(request.command)
        const proposal: Proposal = {
          id: CommandId.make(yield* identifiers.uuid),
          at_millis: yield* Clock.currentTimeMillis,
          principal: request.principal,
          idempotency: request.idempotency ?? null,
          remote_address: request.remoteAddress ?? null,
          command
        }
        const payload = encodeProposal(proposal)
        if (payload.length > Limits.command.commandBytesMax) {
          const message = `a change may have at most ${Limits.command.commandBytesMax} bytes`
          return yield* malformed("PAYLOAD_TOO_LARGE", message)
        }
        const answer = yield* Deferred.make<Outcome, CommandError>()
        const taken = yield* Queue.offer(waiting, { id: proposal.id, tag: command._tag, payload, answer })
        if (!taken) {
          const reason = (yield* Ref.get(refusal)) ?? new LogFull({ waiting: Limits.command.waitingMax })
          return yield* new CommandError({ reason })
        }
        const outcome = yield* Deferred.await(answer)
        return outcome._tag === "Accepted"
          ? outcome
          : yield* new CommandRejected({ rejection: outcome.rejection, index: outcome.index })
      })

      return Commands.of({
        submit,
        failure: Deferred.await(failed),
        ready: Effect.map(Ref.get(refusal), (refused) => refused === undefined)
      })
    })
  )
}
