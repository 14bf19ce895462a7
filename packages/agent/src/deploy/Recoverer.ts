/** Carries out what `Recovery` decided, at the agent's start or by `nxmesh-agent recover`. Needs no master of the cluster. */
import { DateTime, Effect, Schedule } from "effect"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Limits } from "../Limits.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as PidFile from "../nginx/PidFile.ts"
import * as Proof from "../nginx/Proof.ts"
import * as ProofAnswer from "../nginx/ProofAnswer.ts"
import * as StaleSockets from "../nginx/StaleSockets.ts"
import type { Served } from "./Attempt.ts"
import * as Baseline from "./Baseline.ts"
import { leftOut } from "./Deployment.ts"
import type { Surroundings } from "./DeploymentSteps.ts"
import * as GenerationDirectory from "./GenerationDirectory.ts"
import type { Journal } from "./Journal.ts"
import * as Recovery from "./Recovery.ts"
import * as Scratch from "./Scratch.ts"
import * as Switch from "./Switch.ts"
import type { RenderFailure } from "./TreeRenderer.ts"

export interface Recovered {
  readonly decision: Recovery.RecoveryDecision["_tag"]
  readonly served: Served
  /** The outcome of the deployment that was cut off, for the report; `null` when none was. */
  readonly outcome: DeploymentOutcome | null
}

type Ended = Pick<DeploymentOutcome, "status" | "error">

const interrupted = (step: string, more = ""): Ended["error"] => ({
  step: "settle",
  message: `the agent ended during the step "${step}"; the previous generation was restored${more}`.slice(
    0,
    WireLimits.deploymentErrorCharactersMax
  ),
  file: null,
  line: null,
  resource: null
})

/** Records how the deployment that was cut off ended. */
const end = Effect.fnUntraced(function* (
  { quarantines }: Surroundings,
  journal: Journal,
  served: Served,
  ended: Ended
): Effect.fn.Return<DeploymentOutcome | null, FileError> {
  const { open } = journal.state()
  if (open === null) return null
  const outcome: DeploymentOutcome = {
    id: open.deploymentId,
    generation: open.generation,
    started_at: open.startedAt,
    finished_at: DateTime.formatIso(yield* DateTime.now),
    serving_after_millis: null,
    settled_after_millis: null,
    serving_generation: served.generation,
    warnings: [],
    ...(ended.status === "settled" ? leftOut(quarantines.of(open.generation)?.reasons ?? []) : {}),
    ...ended
  }
  yield* journal.record({ _tag: "Ended", served, outcome })
  return outcome
})

/**
 * Reloads a running nginx into the tree that `current` names and proves it; answers whether one runs. None running is
 * fine for the previous tree: nginx will start with it.
 */
const reloadInto = Effect.fnUntraced(function* (around: Surroundings, served: Served) {
  const master = yield* Effect.result(NginxProcess.find(around.instance.pidFile))
  if (master._tag === "Failure") return false
  const reload = yield* Switch.reload(around.instance, master.success)
  yield* Proof.prove(reload, around.instance.runtimeDirectory, served.deploymentId, 0)
  return true
}, Effect.scoped)

/** Who answers, given the time that a reload sent just before the crash needs to show. */
const answering = (around: Surroundings, deploymentId: string | null) =>
  ProofAnswer.ask(around.instance.runtimeDirectory).pipe(
    Effect.map((answer) => answer?.deploymentId ?? null),
    Effect.repeat({
      schedule: Schedule.spaced(Limits.proofPollInterval),
      until: (found) => found === deploymentId
    }),
    Effect.timeoutOrElse({ duration: Limits.recoveryProofTimeout, orElse: () => Effect.succeed(null) })
  )

/** Proves the tree that nginx took once more, under an id of its own; what does not hold is undone. */
const complete = Effect.fnUntraced(function* (
  around: Surroundings,
  journal: Journal,
  decision: Extract<Recovery.RecoveryDecision, { _tag: "Complete" }>
) {
  const served = yield* Switch.restore(around.instance, decision.to, yield* around.newDeploymentId)
  const proved = yield* Effect.orElseSucceed(reloadInto(around, served), () => false)
  if (!proved) return yield* undo(around, journal, { directory: decision.directory, to: decision.otherwise })
  const outcome = yield* end(around, journal, served, { status: "settled", error: null })
  return { served, outcome }
})

const undo = Effect.fnUntraced(function* (
  around: Surroundings,
  journal: Journal,
  decision: { readonly directory: string; readonly to: Served }
) {
  const step = journal.state().open?.step ?? "swap"
  const served = yield* Switch.restore(around.instance, decision.to, yield* around.newDeploymentId)
  const reloaded = yield* Effect.result(reloadInto(around, served))
  const ended: Ended =
    reloaded._tag === "Success"
      ? { status: "interrupted", error: interrupted(step) }
      : {
          status: "rollback_failed",
          error: interrupted(step, `, but nginx did not take it: ${reloaded.failure.message}`)
        }
  const outcome = yield* end(around, journal, served, ended)
  yield* GenerationDirectory.remove(around.instance.confDirectory, decision.directory)
  return { served, outcome }
})

/** Finishes or undoes what a crash cut off. Must not run beside a deployment. */
export const recover = Effect.fn("Recoverer.recover")(function* (
  around: Surroundings,
  journal: Journal
): Effect.fn.Return<Recovered, FileError | RenderFailure> {
  const { confDirectory, runtimeDirectory } = around.instance
  // Before anything is signalled: a pid file may name a stranger by now.
  yield* PidFile.mend(around.instance)
  yield* StaleSockets.prepare(runtimeDirectory)
  yield* Scratch.clear(confDirectory)
  yield* around.sandbox.clear
  const { open, served } = journal.state()
  const linkTarget = yield* GenerationDirectory.current(confDirectory)
  const decision = Recovery.decide(journal.state(), {
    linkTarget,
    answering: Recovery.mayHaveBeenTaken(journal.state(), linkTarget)
      ? yield* answering(around, open?.deploymentId ?? null)
      : null,
    servedExists: served !== null && (yield* GenerationDirectory.exists(confDirectory, served.directory))
  })
  const relink = ({ relink: needed, served: to }: { readonly relink: boolean; readonly served: Served }) =>
    needed ? GenerationDirectory.swap(confDirectory, to.directory) : Effect.void
  switch (decision._tag) {
    case "Baseline": {
      const based = yield* Baseline.establish(around, journal)
      const step = journal.state().open?.step ?? "stage"
      const outcome = yield* end(around, journal, based, { status: "interrupted", error: interrupted(step) })
      return { decision: "Baseline", served: based, outcome }
    }
    case "Nothing": {
      yield* relink(decision)
      return { decision: "Nothing", served: decision.served, outcome: null }
    }
    case "Discard": {
      yield* relink(decision)
      const step = journal.state().open?.step ?? "stage"
      const outcome = yield* end(around, journal, decision.served, { status: "interrupted", error: interrupted(step) })
      yield* GenerationDirectory.remove(confDirectory, decision.directory)
      return { decision: "Discard", served: decision.served, outcome }
    }
    case "Complete":
      return { decision: "Complete", ...(yield* complete(around, journal, decision)) }
    case "Undo":
      return { decision: "Undo", ...(yield* undo(around, journal, decision)) }
    case "Finish": {
      const outcome = yield* end(around, journal, decision.served, { status: "settled", error: null })
      return { decision: "Finish", served: decision.served, outcome }
    }
  }
})
