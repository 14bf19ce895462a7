/**
 * Puts the ends of deployments into the log, many in one command: what comes while a command is being written goes into
 * the next, so that a quiet fleet does not wait and a busy one does not flood the log.
 */
import { continued, sampledTraceparent } from "@nxmesh/core/observe/Traceparent"
import type { AgentId } from "@nxmesh/protocol/Ids"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import type { GenerationVersions } from "../config/GenerationVersions.ts"
import { Context, Deferred, Effect, Layer, Queue } from "effect"
import { type CommandError, Commands } from "../command/Commands.ts"
import { Limits } from "../Limits.ts"
import { recordRetry } from "./RecordRetry.ts"

export interface Ended {
  readonly outcome: DeploymentOutcome
  /** Of a generation that settled for the first time. */
  readonly manifest?: GenerationVersions
}

interface Waiting extends Ended {
  readonly agentId: AgentId
  readonly recorded: Deferred.Deferred<void, CommandError>
  /** Where it is reported, when that is traced. */
  readonly trace: string | undefined
}

/** A leader comes back in a second, and a queue empties sooner; a node that stopped does not, and the agent keeps its outcome. */
const outcomeRetry = recordRetry(Limits.agents.outcomeRetryMax)

export class OutcomeRecorder extends Context.Service<
  OutcomeRecorder,
  {
    /** Succeeds when the outcomes are durable. Recording one twice records it once. */
    readonly record: (agentId: AgentId, ended: ReadonlyArray<Ended>) => Effect.Effect<void, CommandError>
  }
>()("@nxmesh/master/agents/OutcomeRecorder") {
  static readonly layer = Layer.effect(
    OutcomeRecorder,
    Effect.gen(function* () {
      const commands = yield* Commands
      const waiting = yield* Queue.bounded<Waiting>(Limits.agents.outcomesWaitingMax)

      const submit = (batch: ReadonlyArray<Waiting>) =>
        commands
          .submit({
            principal: { _tag: "System", component: "agents" },
            command: {
              _tag: "RecordDeployments",
              outcomes: batch.map(({ agentId, manifest, outcome }) => ({
                agent_id: agentId,
                outcome,
                ...(manifest === undefined ? {} : { manifest })
              }))
            }
          })
          .pipe(
            Effect.retry(outcomeRetry),
            Effect.withSpan("OutcomeRecorder.record", {
              ...continued(batch.map(({ trace }) => trace).slice(0, Limits.config.tracesMergedMax)),
              attributes: { "nxmesh.outcomes": batch.length }
            })
          )

      const settle = (batch: ReadonlyArray<Waiting>, done: Effect.Effect<void, CommandError>) =>
        Effect.forEach(batch, ({ recorded }) => Deferred.complete(recorded, done), { discard: true })

      /** One outcome that is refused must not hold back the others; asking its agent for it again would change nothing. */
      const recordBatch = (batch: ReadonlyArray<Waiting>): Effect.Effect<void> =>
        submit(batch).pipe(
          Effect.andThen(settle(batch, Effect.void)),
          Effect.catchTags({
            CommandError: (error) => settle(batch, Effect.fail(error)),
            CommandRejected: (rejected) =>
              batch.length > 1
                ? Effect.forEach(batch, (one) => recordBatch([one]), { discard: true })
                : Effect.logError("the outcome of a deployment was refused and is dropped", rejected, {
                    agent_id: batch[0]?.agentId,
                    deployment_id: batch[0]?.outcome.id
                  }).pipe(Effect.andThen(settle(batch, Effect.void)))
          })
        )

      yield* Queue.takeBetween(waiting, 1, Limits.agents.outcomesPerCommandMax).pipe(
        Effect.flatMap(recordBatch),
        Effect.forever,
        Effect.forkScoped
      )

      return OutcomeRecorder.of({
        record: Effect.fnUntraced(function* (agentId, ended) {
          const trace = yield* sampledTraceparent
          const offered: Array<Waiting> = []
          for (const each of ended) {
            const one = { ...each, agentId, trace, recorded: yield* Deferred.make<void, CommandError>() }
            yield* Queue.offer(waiting, one)
            offered.push(one)
          }
          yield* Effect.forEach(offered, ({ recorded }) => Deferred.await(recorded), { discard: true })
        })
      })
    })
  )
}
