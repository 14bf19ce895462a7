/**
 * Makes nginx serve a bundle, one at a time, and answers with the truth about it. The expected ways to fail are in the
 * outcome; the previous generation serves after each of them.
 */
import { Clock, Context, DateTime, Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { join } from "node:path"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { RenderedFile } from "@nxmesh/core/nginx/Render"
import { DeploymentId, type Generation } from "@nxmesh/protocol/Ids"
import type { Order } from "@nxmesh/protocol/link/Directive"
import type { HeldBundle } from "../bundle/HeldBundle.ts"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { Limits } from "../Limits.ts"
import type { NginxError } from "../nginx/NginxError.ts"
import { asNginxSees, NginxInstance } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as ProofAnswer from "../nginx/ProofAnswer.ts"
import { Sandbox } from "../nginx/Sandbox.ts"
import { stopped, Supervisor } from "../nginx/Supervisor.ts"
import * as Validation from "../nginx/Validation.ts"
import type { CurrentPolicy } from "../policy/CurrentPolicy.ts"
import type { Served } from "./Attempt.ts"
import * as Deployment from "./Deployment.ts"
import type { Surroundings } from "./DeploymentSteps.ts"
import * as FallBack from "./FallBack.ts"
import * as Journal from "./Journal.ts"
import type { JournalInUse } from "./JournalLock.ts"
import { refusal } from "./OrderGuard.ts"
import * as IsolationChoice from "./IsolationChoice.ts"
import * as KeptGeneration from "./KeptGeneration.ts"
import { exclude, isWorthServing, keyOf, reduce } from "./Quarantine.ts"
import { QuarantineStore } from "./QuarantineStore.ts"
import * as Recoverer from "./Recoverer.ts"
import { intervalMillis, waitMillis } from "./ReloadBudget.ts"
import { TreeMemory } from "./TreeMemory.ts"
import { type RenderFailure, TreeRenderer } from "./TreeRenderer.ts"
import type { Isolation } from "./Work.ts"

export interface ApplyRequest {
  readonly deploymentId: DeploymentId
  readonly bundle: Bundle
  readonly order: Order
  /** Deploy also when this generation serves already: names resolved to other addresses, or nginx was replaced. */
  readonly force?: boolean
  /** Refused unless this is what serves when its turn comes: someone may have gone back to another deployment meanwhile. */
  readonly over?: DeploymentId
  /** Least milliseconds between two reloads, as the cluster wants it. */
  readonly reloadIntervalMillis?: number
}

export interface RollbackRequest {
  readonly deploymentId: DeploymentId
  /** Name of a generation directory that is still kept. */
  readonly directory: string
}

export interface DeployerSettings {
  /** Where the journal lies. */
  readonly dataDirectory: string
  /** Follows the steps of deployments, for progress and for the tests that kill the agent at each. */
  readonly observe?: Journal.JournalObserver
}

export class Deployer extends Context.Service<
  Deployer,
  {
    /**
     * Serves the bundle, or says why not. Requests run one after the other; an interrupted caller does not stop the
     * deployment that it asked for.
     */
    readonly apply: (request: ApplyRequest) => Effect.Effect<DeploymentOutcome>
    /** Serves again what a kept generation directory holds, by the same steps and under an id of its own. */
    readonly rollback: (request: RollbackRequest) => Effect.Effect<DeploymentOutcome>
    /**
     * Serves the newest kept tree of another generation, because nginx cannot live with this one. Answers what the masters are to be
     * told: that `from` was rolled back, and why. `null`: another serves meanwhile, there was none, or nginx does not take that either.
     */
    readonly fallBack: (from: Generation, reason: string) => Effect.Effect<DeploymentOutcome | null>
    /** What settled last. Its directory is in use. */
    readonly current: Effect.Effect<Served>
    /** What was written into its directory, by path; empty when that is not remembered, as after a restart. */
    readonly settledFiles: Effect.Effect<ReadonlyMap<string, Pick<RenderedFile, "content" | "mode">>>
    /** The highest order accepted, to be announced on connecting; `null` before the first. */
    readonly order: Effect.Effect<Order | null>
    /** How the last deployment ended, whoever ended it. */
    readonly lastOutcome: Effect.Effect<DeploymentOutcome | null>
    /** What this start found cut off and finished or undid; its outcome is to be reported. */
    readonly recovered: Recoverer.Recovered
    /** Milliseconds to wait until nginx may reload again, given the least time between two; longer while many workers drain, and again and again while a person wants it stopped. */
    readonly reloadWaitMillis: (
      wantedMillis: number,
      asked?: "by the cluster" | "by the agent"
    ) => Effect.Effect<number>
  }
>()("@nxmesh/agent/deploy/Deployer") {
  /** Recovers what a crash cut off, starts nginx if it is the agent's to start, and then takes requests. */
  static readonly layer = (
    settings: DeployerSettings
  ): Layer.Layer<
    Deployer,
    FileError | JournalInUse | RenderFailure,
    CurrentPolicy | HeldBundle | Identifiers | NginxInstance | QuarantineStore | Sandbox | Supervisor | TreeRenderer
  > => Layer.effect(Deployer, make(settings))
}

/** What deployments and `nxmesh-agent recover` both work with. */
export const surroundings: Effect.Effect<
  Surroundings,
  never,
  Identifiers | NginxInstance | QuarantineStore | Sandbox | Supervisor | TreeRenderer
> = Effect.gen(function* () {
  const { ensureRunning } = yield* Supervisor
  const { uuid } = yield* Identifiers
  return {
    instance: yield* NginxInstance,
    renderer: yield* TreeRenderer,
    ensureRunning,
    validationMode: yield* Validation.detectMode,
    newDeploymentId: Effect.map(uuid, (id) => DeploymentId.make(id)),
    treeMemory: new TreeMemory(),
    quarantines: yield* QuarantineStore,
    sandbox: yield* Sandbox
  }
})

const reportStart = (error: NginxError | FileError) =>
  Effect.logError(`nginx is not there to be deployed to: ${error.message}`)

const make = Effect.fnUntraced(function* ({ dataDirectory, observe }: DeployerSettings) {
  const around = yield* surroundings
  const { exclusive, isWanted } = yield* Supervisor
  const journal = yield* Journal.open(dataDirectory, observe)
  if (journal.damagedLines > 0) {
    yield* Effect.logWarning("the deployment journal has damaged lines, which were skipped", {
      lines: journal.damagedLines
    })
  }
  const recovered = yield* exclusive(Recoverer.recover(around, journal))
  if (recovered.outcome !== null) yield* Effect.logWarning("recovered a deployment that was cut off", recovered.outcome)
  yield* exclusive(Effect.ignore(Effect.tapError(around.ensureRunning, reportStart)))

  const isolationOf = yield* IsolationChoice.make
  let served = recovered.served
  let lastSettled: Bundle | null = null
  let lastReloadMillis: number | null = null
  /** As the last request said. What the agent does by itself waits as long. */
  let clusterIntervalMillis = 0

  const serves = (bundle: Bundle) =>
    served.generation !== bundle.generation
      ? Effect.succeed(false)
      : Effect.map(
          ProofAnswer.ask(around.instance.runtimeDirectory),
          (answer) => answer?.deploymentId === served.deploymentId
        )

  const run = Effect.fnUntraced(function* (begun: Deployment.Begun) {
    const ended = yield* Deployment.run(around, journal, served, begun)
    served = ended.served
    if (ended.reloaded) lastReloadMillis = yield* Clock.currentTimeMillis
    return ended
  })

  /** Once more without what a reload refused, which only nginx's error log says: the test had passed. */
  const runIsolating = Effect.fnUntraced(function* (begun: Deployment.Begun, isolation: Isolation) {
    let ended = yield* run({ ...begun, isolation })
    for (let again = 0; again < Limits.reloadIsolationsMax && isolation.leavesOut; again += 1) {
      const { error, status } = ended.outcome
      if (status !== "rolled_back" || error === null || error.resource === null) break
      const key = keyOf(error.resource)
      const known = exclude(ended.quarantine, key, { bundle: isolation.bundle, good: isolation.good, error })
      if (known === null || !isWorthServing(isolation.bundle, reduce(isolation.bundle, known).bundle)) break
      yield* Effect.logWarning("a reload failed because of one resource, which is left out", { resource: key })
      // No worker ever had this deployment's id: nginx refused the tree before it started one.
      ended = yield* run({ ...begun, isolation: { ...isolation, known } })
    }
    if (ended.outcome.status === "settled") lastSettled = isolation.bundle
    return ended.outcome
  })

  const deploy = Effect.fnUntraced(function* (request: ApplyRequest) {
    const startedAt = DateTime.formatIso(yield* DateTime.now)
    const { bundle, deploymentId } = request
    const begun: Deployment.Begun = {
      deploymentId,
      generation: bundle.generation,
      startedAt,
      render: (directory, reduced = bundle) => around.renderer.render({ bundle, reduced, directory, deploymentId })
    }
    const refused = refusal(journal.state().order, request.order)
    if (refused !== null) return yield* Deployment.refused(begun, served, refused)
    if (request.over !== undefined && request.over !== served.deploymentId) {
      return yield* Deployment.refused(begun, served, "another deployment serves meanwhile")
    }
    if (request.reloadIntervalMillis !== undefined) clusterIntervalMillis = request.reloadIntervalMillis
    if (!(yield* isWanted)) return yield* Deployment.refused(begun, served, stopped.message)
    const accepted = yield* Effect.result(journal.record({ _tag: "Accepted", order: request.order }))
    if (accepted._tag === "Failure") return yield* Deployment.refused(begun, served, accepted.failure.message)
    if (request.force !== true && (yield* serves(request.bundle))) {
      return yield* Deployment.unchanged(begun, around.quarantines)
    }
    return yield* runIsolating(begun, yield* isolationOf(around, { bundle, served, lastSettled }))
  })

  const rollback = Effect.fnUntraced(function* ({ deploymentId, directory: from }: RollbackRequest) {
    const startedAt = DateTime.formatIso(yield* DateTime.now)
    const kept = yield* KeptGeneration.find(around.instance.confDirectory, from)
    const { confDirectory: seen } = asNginxSees(around.instance)
    const render = (to: string) => KeptGeneration.copy(around.instance.confDirectory, { from, to, deploymentId }, seen)
    return yield* kept === null
      ? Deployment.refused(
          { deploymentId, generation: served.generation, startedAt },
          served,
          KeptGeneration.missing(from)
        )
      : Effect.map(run({ deploymentId, generation: kept.generation, startedAt, render }), ({ outcome }) => outcome)
  })

  const fallBack = Effect.fnUntraced(function* (from: Generation, reason: string) {
    const left = served
    if (left.generation !== from || !(yield* isWanted)) return null
    const { confDirectory } = around.instance
    const kept = yield* Effect.orElseSucceed(FallBack.find(confDirectory, left), () => null)
    if (kept === null) return null
    yield* Effect.logError(`going back to an earlier generation: ${reason}`, { generation: kept.generation })
    const outcome = yield* rollback({ deploymentId: yield* around.newDeploymentId, directory: kept.directory })
    if (outcome.status !== "settled") return null
    const told = FallBack.told(outcome, left, yield* around.newDeploymentId, reason)
    yield* Effect.catch(journal.record({ _tag: "Ended", served, outcome: told }), (error) =>
      Effect.logError(`cannot record that a generation was left: ${error.message}`)
    )
    return told
  })

  // Deployments run in a scope of their own, which closes only between two of them.
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => exclusive(Scope.close(scope, Exit.void)))

  const inTurn = <A>(effect: Effect.Effect<A>) =>
    Effect.forkIn(exclusive(effect), scope).pipe(Effect.flatMap(Fiber.join))

  return Deployer.of({
    apply: Effect.fn("Deployer.apply")((request: ApplyRequest) => inTurn(deploy(request))),
    rollback: Effect.fn("Deployer.rollback")((request: RollbackRequest) => inTurn(rollback(request))),
    fallBack: Effect.fn("Deployer.fallBack")((from: Generation, reason: string) => inTurn(fallBack(from, reason))),
    current: Effect.sync(() => served),
    settledFiles: Effect.sync(() => around.treeMemory.of(join(around.instance.confDirectory, served.directory))),
    order: Effect.sync(() => journal.state().order),
    lastOutcome: Effect.sync(() => journal.state().lastOutcome),
    recovered,
    reloadWaitMillis: Effect.fnUntraced(function* (wantedMillis: number, asked = "by the cluster") {
      if (!(yield* isWanted)) return Duration.toMillis(Limits.stoppedCheckInterval)
      const master = yield* Effect.result(NginxProcess.find(around.instance.pidFile))
      const draining = master._tag === "Success" ? NginxProcess.drainingWorkers(master.success) : 0
      const least = asked === "by the agent" ? Math.max(wantedMillis, clusterIntervalMillis) : wantedMillis
      const budget = { intervalMillis: intervalMillis(least, draining), lastReloadMillis }
      return waitMillis(budget, yield* Clock.currentTimeMillis)
    })
  })
})
