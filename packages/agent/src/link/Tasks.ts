/** Carries out what the master asks for, one task at a time; the newest replaces one that waits. */
import { continued } from "@nxmesh/core/observe/Traceparent"
import { compareOrder } from "@nxmesh/protocol/link/Directive"
import { traceAttributes } from "@nxmesh/protocol/link/TraceNote"
import type { Generation } from "@nxmesh/protocol/Ids"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Cause, Context, DateTime, Effect, Layer, Queue, Ref } from "effect"
import { Deployer } from "../deploy/Deployer.ts"
import { resolveUpdate, targetOf } from "../bundle/BundleUpdates.ts"
import { HeldBundle } from "../bundle/HeldBundle.ts"
import { Link } from "./Link.ts"
import type { Task } from "./LinkHandlers.ts"
import { Outcomes } from "./Outcomes.ts"

type Deploy = Extract<Task, { readonly _tag: "Deploy" }>

/** What waits after a newer task came: an older order never replaces a newer one (design-cluster.md 1). Pure. */
export const mergeTask = (waiting: Task | null, newer: Task): Task =>
  waiting !== null && compareOrder(waiting.order, newer.order) > 0 ? waiting : newer

/** The outcome of a deployment that never came to the deployer, or not out of it. */
const failedBefore = (task: Deploy, serving: Generation, message: string, now: string): DeploymentOutcome => ({
  id: task.deployment_id,
  generation: targetOf(task.update),
  status: "failed",
  started_at: now,
  finished_at: now,
  serving_after_millis: null,
  settled_after_millis: null,
  serving_generation: serving,
  warnings: [],
  error: { step: "render", message, file: null, line: null, resource: null }
})

/** In the trace of the change that the directive is because of. */
const inDeploySpan = <A, E, R>(effect: Effect.Effect<A, E, R>, task: Deploy): Effect.Effect<A, E, R> =>
  Effect.withSpan(effect, "Agent.deploy", {
    ...continued([task.trace?.traceparent]),
    kind: "consumer",
    attributes: {
      "nxmesh.deployment_id": task.deployment_id,
      "nxmesh.generation": targetOf(task.update),
      ...traceAttributes(task.trace ?? {})
    }
  })

export class Tasks extends Context.Service<
  Tasks,
  {
    /** Takes the task over without waiting for it. */
    readonly offer: (task: Task) => Effect.Effect<void>
    /** The bundle that a delta may be made against. */
    readonly have: Effect.Effect<Generation | null>
    readonly run: Effect.Effect<never>
  }
>()("@nxmesh/agent/link/Tasks") {
  static readonly layer = Layer.effect(
    Tasks,
    Effect.gen(function* () {
      const held = yield* HeldBundle
      const deployer = yield* Deployer
      const link = yield* Link
      const outcomes = yield* Outcomes
      const waiting = yield* Ref.make<Task | null>(null)
      const wake = yield* Queue.sliding<void>(1)

      /** The bundle of a task: held here, or fetched whole. `null` when the master is gone: it will ask again. */
      const bundleOf = Effect.fnUntraced(function* (task: Deploy) {
        const resolved = resolveUpdate(yield* held.latest, task.update)
        if (resolved !== null) return resolved
        return yield* link
          .fetchBundle(targetOf(task.update))
          .pipe(
            Effect.catch((error) =>
              Effect.as(
                Effect.logWarning("cannot fetch a bundle; the master will ask again").pipe(
                  Effect.annotateLogs({ generation: targetOf(task.update), detail: error.detail })
                ),
                null
              )
            )
          )
      })

      const report = (outcome: DeploymentOutcome) =>
        Effect.andThen(
          outcomes.add(outcome),
          Effect.logInfo("deployment ended").pipe(
            Effect.annotateLogs({
              deployment_id: outcome.id,
              generation: outcome.generation,
              status: outcome.status,
              error: outcome.error?.message
            })
          )
        )

      const giveUp = Effect.fnUntraced(function* (task: Deploy, why: string) {
        const { generation } = yield* deployer.current
        yield* report(failedBefore(task, generation, why, DateTime.formatIso(yield* DateTime.now)))
      })

      const deploy = Effect.fnUntraced(function* (task: Deploy) {
        const bundle: Bundle | null = yield* bundleOf(task)
        if (bundle === null) return
        if (bundle.generation !== targetOf(task.update)) {
          return yield* giveUp(task, "the master sent another bundle than it named")
        }
        const outcome = yield* deployer.apply({
          deploymentId: task.deployment_id,
          order: task.order,
          bundle,
          reloadIntervalMillis: task.reload_interval_seconds * 1_000
        })
        // The master need not wait until the cache is on the disk.
        yield* report(outcome)
        if (outcome.status === "settled") yield* held.keep(bundle)
      }, inDeploySpan)

      /** A bundle that breaks the agent is reported, so that it is not sent again in a loop. */
      const broken = (task: Deploy, defect: unknown) =>
        Effect.logError("a deployment broke in a way it should not", Cause.die(defect)).pipe(
          Effect.andThen(giveUp(task, "an internal error of the agent; see its log"))
        )

      /** Waits out the reload budget, and for what replaces the task meanwhile. */
      const next = Effect.gen(function* () {
        while (true) {
          const task = yield* Ref.get(waiting)
          if (task === null) {
            yield* Queue.take(wake)
            continue
          }
          const waitMillis =
            task._tag === "Deploy" ? yield* deployer.reloadWaitMillis(task.reload_interval_seconds * 1_000) : 0
          if (waitMillis === 0) {
            yield* Ref.set(waiting, null)
            return task
          }
          yield* Effect.raceFirst(Effect.sleep(waitMillis), Queue.take(wake))
        }
      })

      return Tasks.of({
        offer: (task) =>
          Ref.update(waiting, (before) => mergeTask(before, task)).pipe(Effect.andThen(Queue.offer(wake, undefined))),
        have: Effect.map(held.latest, (bundle) => bundle?.generation ?? null),
        run: Effect.gen(function* () {
          while (true) {
            const task = yield* next
            if (task._tag === "Hold") yield* Effect.logInfo(`holding: ${task.reason}`)
            else yield* deploy(task).pipe(Effect.catchDefect((defect) => broken(task, defect)))
          }
        })
      })
    })
  )
}
