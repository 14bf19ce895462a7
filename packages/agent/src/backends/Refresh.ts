/**
 * Keeps the tree that serves true to the addresses of upstream names and to what health checks leave out: resolves the names
 * again and again, and deploys the same generation anew when something is different. nginx below 1.27.3 would keep an old
 * address until its next reload. A deployment for another reason takes such changes along, and nothing is left to do.
 */
import { Clock, Duration, Effect, Layer } from "effect"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { DeploymentId } from "@nxmesh/protocol/Ids"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { DeploymentOutcome } from "@nxmesh/protocol/model/Deployment"
import { AlertBoard } from "../alerts/AlertBoard.ts"
import { HeldBundle } from "../bundle/HeldBundle.ts"
import { Deployer } from "../deploy/Deployer.ts"
import { type Inputs, RenderInputs } from "../deploy/RenderInputs.ts"
import { Limits } from "../Limits.ts"
import type { AddressBook } from "../nginx/AddressBook.ts"
import { Resolver } from "../nginx/Resolver.ts"
import { calmed, type Followed, following } from "./Restlessness.ts"
import { allLeftOut, type Dependencies, dependenciesOf, isStale } from "./Staleness.ts"

export interface RefreshIntervals {
  /** Between two looks at what serves. */
  readonly pollInterval: Duration.Duration
  /** Between two rounds of resolving. */
  readonly resolveInterval: Duration.Duration
  /** What changes within this time of a first change is one reload. */
  readonly settleInterval: Duration.Duration
  /** Least time between a reload and one for servers that changed. */
  readonly reloadInterval: Duration.Duration
}

const intervals: RefreshIntervals = {
  pollInterval: Limits.refreshPollInterval,
  resolveInterval: Limits.addressRefreshInterval,
  settleInterval: Limits.refreshSettleInterval,
  reloadInterval: Limits.refreshReloadInterval
}

/** A deployment that is to be made. */
interface Due {
  readonly bundle: Bundle
  /** What serves. */
  readonly over: DeploymentId
  readonly what: string
  /** The addresses that the tree which serves was rendered with. */
  readonly before: AddressBook
}

/** What was deployed last, and when: if it did not help, the same is not tried again at once. */
interface Tried {
  readonly what: string
  readonly atMillis: number
}

const textOf = ({ bundle, upstreams }: Dependencies, wanted: Inputs): string =>
  JSON.stringify([bundle.generation, [...wanted.addresses], [...allLeftOut(upstreams, wanted)].toSorted()])

const alertOf = (outcome: DeploymentOutcome) => ({
  severity: "warning" as const,
  code: "refresh_failed",
  message:
    `other addresses of upstream names, or servers that health checks found down, could not be deployed (${outcome.status}): ${outcome.error?.message ?? ""}`.slice(
      0,
      1_024
    )
})

const make = Effect.gen(function* () {
  const alerts = yield* AlertBoard
  const deployer = yield* Deployer
  const held = yield* HeldBundle
  const identifiers = yield* Identifiers
  const inputs = yield* RenderInputs
  const resolver = yield* Resolver
  let known: Dependencies | null = null
  let tried: Tried | null = null
  let followed: Followed = new Map()

  const dependencies = (bundle: Bundle): Dependencies => {
    if (known?.bundle !== bundle) known = dependenciesOf(bundle)
    return known
  }

  /** What serves, when it is the bundle at hand: after a rollback to another one nothing here is wanted. */
  const serving = Effect.gen(function* () {
    const bundle = yield* held.latest
    const { deploymentId, directory, generation } = yield* deployer.current
    if (bundle === null || bundle.generation !== generation) return null
    yield* inputs.keep(directory)
    return { ...dependencies(bundle), deploymentId, directory }
  })

  const wanted = Effect.fnUntraced(function* ({ names }: Dependencies, inUse: Inputs | null) {
    const latest = yield* resolver.known(names)
    const addresses =
      inUse === null ? latest : calmed(inUse.addresses, latest, followed, yield* Clock.currentTimeMillis)
    return { addresses, down: yield* inputs.down }
  })

  /** `null` when there is nothing to do, or when it was tried in vain not long ago. */
  const pending = Effect.gen(function* () {
    const now = yield* serving
    if (now === null) return null
    const inUse = yield* inputs.of(now.directory)
    const next = yield* wanted(now, inUse)
    if (!isStale(now, inUse, next)) {
      if (tried !== null) yield* alerts.raise("refresh", [])
      tried = null
      return null
    }
    const what = textOf(now, next)
    const waited = (yield* Clock.currentTimeMillis) - (tried?.atMillis ?? 0)
    const again = tried?.what !== what || waited < 0 || waited >= Duration.toMillis(Limits.refreshRetryInterval)
    return again ? { bundle: now.bundle, over: now.deploymentId, what, before: inUse?.addresses ?? new Map() } : null
  })

  const deploy = Effect.fn("Refresh.deploy")(function* ({ before, bundle, over, what }: Due) {
    const order = yield* deployer.order
    if (order === null) return null
    yield* Effect.logInfo("upstream servers changed: deploying the same generation again")
    const deploymentId = DeploymentId.make(yield* identifiers.uuid)
    const outcome = yield* deployer.apply({ deploymentId, bundle, order, over, force: true })
    const isOvertaken = outcome.status === "failed" && (yield* deployer.current).deploymentId !== over
    if (isOvertaken) return outcome
    const settled = outcome.status === "settled"
    if (settled) yield* inputs.keep((yield* deployer.current).directory)
    const atMillis = yield* Clock.currentTimeMillis
    tried = { what, atMillis }
    followed = following(followed, before, yield* resolver.known(dependencies(bundle).names), atMillis)
    yield* alerts.raise("refresh", settled ? [] : [alertOf(outcome)])
    return outcome
  })

  const resolve = Effect.gen(function* () {
    const now = yield* serving
    if (now !== null && now.names.length > 0) yield* resolver.resolve(now.names)
  })

  /** Waits for what changes along with it, and looks again. `null` when nothing is to be done then, or not yet. */
  const settled = Effect.fnUntraced(function* ({ reloadInterval, settleInterval }: RefreshIntervals) {
    yield* Effect.sleep(settleInterval)
    const waitMillis = yield* deployer.reloadWaitMillis(Duration.toMillis(reloadInterval), "by the agent")
    return waitMillis > 0 ? null : yield* pending
  })

  return { resolve, pending, settled, deploy }
})

/** One round: resolves, and deploys at once if anything is different. `null` when there was nothing to do. */
export const refresh = Effect.gen(function* () {
  const { deploy, pending, resolve } = yield* make
  yield* resolve
  const due = yield* pending
  return due === null ? null : yield* deploy(due)
})

const run = Effect.fnUntraced(function* (bounds: RefreshIntervals) {
  const { deploy, pending, resolve, settled } = yield* make
  const resolving = Effect.forever(Effect.andThen(Effect.sleep(bounds.resolveInterval), resolve))
  const deploying = Effect.gen(function* () {
    while (true) {
      yield* Effect.sleep(bounds.pollInterval)
      if ((yield* pending) === null) continue
      const due = yield* settled(bounds)
      if (due !== null) yield* deploy(due)
    }
  })
  return yield* Effect.raceFirst(resolving, deploying)
})

/** Refreshes as long as the layer lives. */
export const layerWith = (bounds: RefreshIntervals) => Layer.effectDiscard(Effect.forkScoped(run(bounds)))
export const layer = layerWith(intervals)
