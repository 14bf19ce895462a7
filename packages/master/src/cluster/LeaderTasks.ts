/**
 * Work of which the cluster needs exactly one: whoever leads does it (design section 4, design-cluster.md 8). A task runs
 * in a scope that ends with the leadership or its term, and what it submits carries the term as a fence: apply refuses it
 * in an entry of another term. So a deposed leader that has not noticed yet changes nothing, also when its command is
 * forwarded to the next one.
 */
import { leaderReadRetry, leaderTaskRestart } from "@nxmesh/core/policy/Schedules"
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { Term } from "@nxmesh/raft/core/Types"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import type { Status } from "@nxmesh/raft/node/Status"
import { Cause, Effect, FiberHandle, Layer, type Scope, Stream } from "effect"
import type { CommandError, CommandRejected } from "../command/CommandError.ts"
import { type Accepted, Commands, type SubmitRequest } from "../command/Commands.ts"

/** What a task may do in the name of one term. */
export interface Leadership {
  readonly term: Term
  /** Refused with CONFLICT when this master does not lead in this term any more. */
  readonly submit: (request: Omit<SubmitRequest, "fence">) => Effect.Effect<Accepted, CommandRejected | CommandError>
}

export interface LeaderTask<E, R> {
  /** For logs and metrics, as in `membership`. */
  readonly name: string
  /**
   * Interrupted when the term is over. When it fails or crashes it starts over (`leaderTaskRestart`); when it ends by
   * itself it is done until the next term.
   */
  readonly run: (leadership: Leadership) => Effect.Effect<void, E, R>
}

/** The term in which this node leads; `null`: it does not. */
export const ledTerm = ({ role, term }: Status): Term | null => (role === "Leader" ? term : null)

/** Runs the task for as long as this master leads; closing the scope ends it. */
export const startLeaderTask = Effect.fnUntraced(function* <E, R>(task: LeaderTask<E, R>) {
  const node = yield* RaftNode
  const commands = yield* Commands
  const metrics = yield* Metrics
  const restarts = yield* metrics.counter({
    name: "nxmesh_cluster_leader_task_restarts_total",
    help: "Times that a task of the leader failed and was started over.",
    labelNames: ["task"] as const
  })

  /** The state here is then at least as new as the term: what leaders before had committed is in it. */
  const caughtUp = Effect.retry(node.read, leaderReadRetry)

  const leadership = (term: Term): Leadership => ({
    term,
    submit: (request) => commands.submit({ ...request, fence: { term } })
  })

  const failed = (cause: Cause.Cause<unknown>): Effect.Effect<never, "Failed"> =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.sync(() => restarts.inc({ task: task.name })).pipe(
          Effect.andThen(Effect.logWarning(`the leader's task ${task.name} failed and starts over`, cause)),
          Effect.andThen(Effect.fail("Failed" as const))
        )

  const lead = (term: Term) =>
    caughtUp.pipe(
      Effect.andThen(Effect.scoped(task.run(leadership(term)))),
      Effect.catchCause(failed),
      Effect.retry(leaderTaskRestart),
      Effect.annotateLogs({ task: task.name, term })
    )

  const running = yield* FiberHandle.make()
  yield* node.statuses.pipe(
    Stream.map(ledTerm),
    Stream.changes,
    // The task of the last term has ended, with all that it had acquired, before the next begins.
    Stream.runForEach((term) =>
      FiberHandle.clear(running).pipe(
        Effect.andThen(term === null ? Effect.void : Effect.asVoid(FiberHandle.run(running, lead(term))))
      )
    ),
    // The statuses end with the node, and nobody leads without one.
    Effect.ensuring(FiberHandle.clear(running)),
    Effect.forkScoped
  )
})

export const leaderTask = <E, R>(
  task: LeaderTask<E, R>
): Layer.Layer<never, never, Exclude<R, Scope.Scope> | RaftNode | Commands | Metrics> =>
  Layer.effectDiscard(startLeaderTask(task))
