/** Looks at nginx once a second, and does what the machine decides. It rests while somebody else works on nginx, and while none is wanted. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Cause, Clock, Duration, Effect, Layer } from "effect"
import type { Generation } from "@nxmesh/protocol/Ids"
import { AlertBoard } from "../alerts/AlertBoard.ts"
import { Deployer } from "../deploy/Deployer.ts"
import * as Switch from "../deploy/Switch.ts"
import { Limits } from "../Limits.ts"
import { Outcomes } from "../link/Outcomes.ts"
import { NginxInstance } from "../nginx/NginxInstance.ts"
import { NginxError } from "../nginx/NginxError.ts"
import * as NginxProcess from "../nginx/NginxProcess.ts"
import * as Proof from "../nginx/Proof.ts"
import { Supervisor } from "../nginx/Supervisor.ts"
import * as Observation from "./Observation.ts"
import type { Remedy } from "./Remedies.ts"
import { alertsOf } from "./WatchdogAlerts.ts"
import * as WatchdogMachine from "./WatchdogMachine.ts"

const bounds: WatchdogMachine.Bounds = {
  deathRoundsMax: Limits.workerDeathRoundsMax,
  deathWindowMillis: Duration.toMillis(Limits.workerDeathWindow),
  silenceMillis: Duration.toMillis(Limits.proofSilenceMax),
  otherMillis: Duration.toMillis(Limits.proofMismatchMax),
  wellMillis: Duration.toMillis(Limits.watchdogForgets),
  pauseMillis: Duration.toMillis(Limits.watchdogPauseMax),
  waitFactor: 1
}

const remedies = Effect.gen(function* () {
  const instance = yield* NginxInstance
  const supervisor = yield* Supervisor
  const deployer = yield* Deployer
  const outcomes = yield* Outcomes

  const reload = Effect.gen(function* () {
    const master = yield* NginxProcess.find(instance.pidFile)
    const { deploymentId } = yield* deployer.current
    yield* Proof.prove(yield* Switch.reload(instance, master), instance.runtimeDirectory, deploymentId, 0)
  }).pipe(Effect.scoped)

  const fallBack = Effect.fnUntraced(function* (reason: string, from: Generation | null) {
    const outcome = from === null ? null : yield* deployer.fallBack(from, reason)
    if (outcome !== null) return yield* outcomes.add(outcome)
    return yield* new NginxError({
      reason: "start",
      message: "there is no earlier generation to go back to, or nginx does not live with that either"
    })
  })

  /** Wanted still, when its turn comes. */
  const ifWanted = <A, E>(effect: Effect.Effect<A, E>) =>
    supervisor.exclusive(
      Effect.flatMap(supervisor.isWanted, (wanted) => (wanted ? Effect.asVoid(effect) : Effect.void))
    )

  return {
    start: () => ifWanted(supervisor.start),
    restart: () => ifWanted(supervisor.restart),
    reload: () => ifWanted(reload),
    fall_back: fallBack
  } satisfies Record<Remedy, (reason: string, from: Generation | null) => Effect.Effect<void, unknown>>
})

const reasonOf = (trouble: WatchdogMachine.State["trouble"], lastError: string | null): string =>
  `nginx did not live with this generation (${trouble ?? "trouble"})${lastError === null ? "" : `: ${lastError}`}`

const watch = Effect.fnUntraced(function* (bounds: WatchdogMachine.Bounds, interval: Duration.Duration) {
  const board = yield* AlertBoard
  const observer = yield* Observation.make
  const does = yield* remedies
  const counted = yield* (yield* Metrics).counter({
    name: "nxmesh_agent_watchdog_remedies_total",
    help: "What the watchdog did about an nginx in trouble.",
    labelNames: ["remedy", "result"]
  })
  let state = WatchdogMachine.initial
  let lastError: string | null = null

  const carryOut = Effect.fnUntraced(function* (remedy: Remedy) {
    yield* Effect.logWarning(`nginx is in trouble (${state.trouble}): ${remedy}`)
    const result = yield* Effect.result(does[remedy](reasonOf(state.trouble, lastError), state.generation))
    counted.inc({ remedy, result: result._tag === "Success" ? "done" : "failed" })
    yield* observer.forget
    if (result._tag === "Success") return
    if (remedy === "fall_back") state = WatchdogMachine.stayed(state)
    lastError = result.failure.message
    yield* Effect.logError(`the watchdog's ${remedy} failed: ${lastError}`)
  })

  while (true) {
    yield* Effect.sleep(interval)
    const { facts, keeper } = yield* observer.look(yield* Clock.monotonicTimeNanos)
    const step = WatchdogMachine.step(state, facts, bounds)
    if (step.state.trouble === null) lastError = null
    state = step.state
    for (const remedy of step.outputs) yield* carryOut(remedy)
    yield* board.raise("watchdog", alertsOf(state, { keeper, lastError }))
  }
})

/** A defect of the watchdog must not be its end: it begins anew, and says so. */
const guarded = (bounds: WatchdogMachine.Bounds, interval: Duration.Duration) =>
  Effect.forever(
    Effect.catchCause(watch(bounds, interval), (cause) =>
      Cause.hasInterruptsOnly(cause)
        ? Effect.failCause(cause)
        : Effect.logError("the watchdog broke in a way it should not, and begins anew", cause)
    )
  )

/** With other bounds, for tests that cannot wait. */
export const layerOf = (own: Partial<WatchdogMachine.Bounds>, interval: Duration.Duration) =>
  Layer.effectDiscard(Effect.forkScoped(guarded({ ...bounds, ...own }, interval)))

/** Runs as long as the layer. */
export const layer = layerOf({}, Limits.watchInterval)
