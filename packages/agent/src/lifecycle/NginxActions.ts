/**
 * What a person may have done with this agent's nginx. Each action waits for the fact that it promises, and none takes away an nginx
 * that serves while the configuration on the disk would not bring it back.
 */
import { Duration, Effect } from "effect"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { Deployer } from "../deploy/Deployer.ts"
import * as FailureReport from "../deploy/FailureReport.ts"
import * as Switch from "../deploy/Switch.ts"
import { Limits } from "../Limits.ts"
import { whatToDo } from "../nginx/Keeper.ts"
import { NginxError } from "../nginx/NginxError.ts"
import { asNginxSees, type NginxInstanceSettings } from "../nginx/NginxInstance.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import type { NginxWish } from "../nginx/NginxWish.ts"
import * as Proof from "../nginx/Proof.ts"
import * as ProofAnswer from "../nginx/ProofAnswer.ts"
import { ownCommand, type Supervisor } from "../nginx/Supervisor.ts"
import * as Validation from "../nginx/Validation.ts"
import { type ActionResult, done, failed, refused, unchanged } from "./ActionResult.ts"

export interface Tools {
  readonly instance: NginxInstanceSettings
  readonly supervisor: Supervisor["Service"]
  readonly wish: NginxWish["Service"]
  readonly deployer: Deployer["Service"]
  readonly validationMode: Effect.Effect<Validation.ValidationMode>
}

type Action = Effect.Effect<ActionResult, NginxError | FileError>

/** The master, unless it quits. */
export const running = ({ instance }: Tools) =>
  Effect.map(
    Effect.orElseSucceed(NginxProcess.find(instance.pidFile), () => null),
    (master) => (master === null || NginxProcess.isQuitting(master) ? null : master)
  )

/** Waits until a worker says that it serves what settled last. */
const awaitProof = Effect.fnUntraced(function* (
  { deployer, instance }: Tools,
  within: Duration.Duration = Limits.reloadTimeout
) {
  const { deploymentId } = yield* deployer.current
  let seen: string | null = null
  return yield* Effect.gen(function* () {
    while (true) {
      seen = (yield* ProofAnswer.ask(instance.runtimeDirectory))?.deploymentId ?? seen
      if (seen === deploymentId) return
      yield* Effect.sleep(Limits.proofPollInterval)
    }
  }).pipe(
    Effect.timeoutOrElse({
      duration: within,
      orElse: () =>
        Effect.fail(
          new NginxError({
            reason: "proof",
            message:
              seen === null
                ? "nginx runs, and does not answer on the agent's proof socket: see its error log, and nxmesh-agent doctor"
                : `nginx runs, and serves deployment ${seen} instead of ${deploymentId}`
          })
        )
    })
  )
})

/** nginx's own test of what it would read now, or that of another binary; `error` is `null` when it would take it. */
export const refusal = Effect.fnUntraced(function* (tools: Tools, by: NginxProcess.NginxCommand | null = null) {
  const { deployer, instance, validationMode } = tools
  const { deploymentId, directory } = yield* deployer.current
  const nginx = by ?? (yield* running(tools)) ?? ownCommand(instance)
  if (nginx === null) {
    return yield* new NginxError({ reason: "refused", message: "nginx is not running, so that there is none to ask" })
  }
  const tested = yield* Validation.validate(instance, nginx, yield* validationMode, {
    directory,
    live: directory,
    marker: `deployment ${deploymentId}`
  })
  const tree = { directory: `${asNginxSees(instance).confDirectory}/${directory}`, files: [] }
  return {
    mode: tested.mode,
    error: tested.passed ? null : FailureReport.fromOutput("test", tested.output, "nginx refuses it", tree)
  }
})

/** Stops before anything is taken down: what nginx refuses now, it would not start with. */
const unlessRefused = (tools: Tools, action: Action): Action =>
  Effect.flatMap(refusal(tools), ({ error }) =>
    error === null
      ? action
      : Effect.succeed(
          failed(`nginx refuses its present configuration, and was left as it is: ${error.message}`, [error])
        )
  )

export const test = Effect.fn("NginxActions.test")(function* (
  tools: Tools
): Effect.fn.Return<ActionResult, NginxError | FileError> {
  const { error, mode } = yield* refusal(tools)
  if (error !== null) return failed(`nginx refuses its present configuration: ${error.message}`, [error])
  return mode === "reload"
    ? refused("this agent has no right to run nginx in its container: only a reload tests its configuration")
    : done("nginx accepts its present configuration")
})

/** What is remembered of the wish must not keep nginx from starting: a disk that fails costs only what a restart goes by. */
const wanted = ({ wish }: Tools) =>
  Effect.catch(wish.set(null), (error) =>
    Effect.logWarning(`that nginx is wanted again is not kept for a restart: ${error.message}`)
  )

export const start = Effect.fn("NginxActions.start")(function* (
  tools: Tools
): Effect.fn.Return<ActionResult, NginxError | FileError> {
  const before = yield* running(tools)
  if (before === null) {
    const { _tag } = yield* tools.supervisor.keeper
    if (_tag === "Person" || _tag === "Runtime") return refused(whatToDo({ _tag }))
    const master = yield* tools.supervisor.start
    yield* wanted(tools)
    yield* awaitProof(tools)
    return done(`nginx runs as process ${master.pid}`)
  }
  yield* wanted(tools)
  yield* awaitProof(tools)
  return unchanged(`nginx runs already, as process ${before.pid}`)
})

export const stop = Effect.fn("NginxActions.stop")(function* (
  tools: Tools
): Effect.fn.Return<ActionResult, NginxError | FileError> {
  const keeper = yield* tools.supervisor.keeper
  if (keeper._tag === "Person" || keeper._tag === "Runtime") {
    return refused(`the agent stops only what it can start again: ${whatToDo(keeper)}`)
  }
  const master = yield* running(tools)
  const already = (yield* tools.wish.get) === "stopped"
  const identity = master === null ? null : { pid: master.pid, startTicks: master.startTicks }
  // The wish comes first: an agent that ends here must not start again what a person is stopping.
  if (!already || master !== null) {
    yield* tools.wish.set({ master: identity, unit: keeper._tag === "Systemd" ? keeper.unit : null })
  }
  if (master === null) return unchanged("nginx was not running, and stays stopped until it is started")
  const quit = yield* Effect.result(tools.supervisor.quit)
  if (quit._tag === "Failure") {
    // It serves on, so it is watched again.
    yield* wanted(tools)
    return yield* quit.failure
  }
  return done(
    quit.success === "ended"
      ? "nginx has ended, and stays stopped until it is started"
      : `nginx takes no new connections; ${NginxProcess.drainingWorkers(master)} workers serve their last clients and then end`
  )
})

export const reload = Effect.fn("NginxActions.reload")(function* (
  tools: Tools
): Effect.fn.Return<ActionResult, NginxError | FileError> {
  const { deployer, instance } = tools
  const master = yield* running(tools)
  if (master === null) return refused("nginx is not running: start it instead")
  return yield* unlessRefused(
    tools,
    Effect.scoped(
      Effect.gen(function* () {
        const { deploymentId } = yield* deployer.current
        const signalled = yield* Switch.reload(instance, master)
        const settled = yield* Proof.prove(signalled, instance.runtimeDirectory, deploymentId, 0)
        return done(`nginx reloaded: new workers served after ${settled.servingAfterMillis} ms`)
      })
    )
  )
})

export const restart = Effect.fn("NginxActions.restart")(function* (
  tools: Tools
): Effect.fn.Return<ActionResult, NginxError | FileError> {
  const before = yield* running(tools)
  const keeper = yield* tools.supervisor.keeper
  if (keeper._tag === "Person") return refused(whatToDo(keeper))
  if (before === null) return yield* start(tools)
  return yield* unlessRefused(
    tools,
    Effect.gen(function* () {
      const master = yield* tools.supervisor.restart
      yield* wanted(tools)
      yield* awaitProof(tools)
      return done(`nginx runs as process ${master.pid}, after process ${before.pid}`)
    })
  )
})
