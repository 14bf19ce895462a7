/**
 * Probes the servers of upstreams that have a health check (CM-002), and says which to leave out. nginx without its commercial
 * part has no checks of its own but the requests of clients that fail. Probing is on the addresses that were rendered: no
 * resolver is asked, so a dead one delays nothing here.
 */
import { Clock, Context, Effect, FiberSet, Layer, Random, Semaphore } from "effect"
import { indexBundle } from "@nxmesh/core/nginx/BundleIndex"
import { hostNames } from "@nxmesh/core/nginx/Render"
import type { BackendDown } from "@nxmesh/protocol/model/Health"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import { AlertBoard } from "../alerts/AlertBoard.ts"
import { HeldBundle } from "../bundle/HeldBundle.ts"
import { Deployer } from "../deploy/Deployer.ts"
import { type Inputs, RenderInputs } from "../deploy/RenderInputs.ts"
import { Limits } from "../Limits.ts"
import { Resolver } from "../nginx/Resolver.ts"
import { probe } from "../probe/Probe.ts"
import { backendAlerts, backendsDown, type Situation, unhealthyKeys, unresolvedNames } from "./BackendReport.ts"
import * as HealthFile from "./HealthFile.ts"
import { planOf, type Target } from "./ProbePlan.ts"
import { type Instant, Probing } from "./Probing.ts"

export interface BackendCounts {
  /** Addresses that are probed. */
  readonly probed: number
  readonly unhealthy: number
  readonly unresolved: number
}

export class Backends extends Context.Service<
  Backends,
  {
    /** Servers that fail their health check, and those whose name has no address. */
    readonly down: Effect.Effect<ReadonlyArray<BackendDown>>
    readonly counts: Effect.Effect<BackendCounts>
  }
>()("@nxmesh/agent/backends/Backends") {
  /** Probes as long as the layer lives. */
  static readonly layer = (dataDirectory: string) => Layer.effect(Backends, make(dataDirectory))
}

const nothing: Situation = {
  upstreams: [],
  names: [],
  addresses: new Map(),
  probed: [],
  omitted: 0,
  unresolvedSince: new Map()
}

const instant: Effect.Effect<Instant> = Effect.gen(function* () {
  const random = yield* Random.Random
  return {
    nowMillis: Number(yield* Clock.monotonicTimeNanos) / 1e6,
    wallMillis: yield* Clock.currentTimeMillis,
    random: () => random.nextDoubleUnsafe()
  }
})

const make = Effect.fnUntraced(function* (dataDirectory: string) {
  const alerts = yield* AlertBoard
  const deployer = yield* Deployer
  const held = yield* HeldBundle
  const inputs = yield* RenderInputs
  const resolver = yield* Resolver
  const probing = new Probing(yield* HealthFile.read(dataDirectory))
  const permits = yield* Semaphore.make(Limits.probesInFlightMax)
  const fibers = yield* FiberSet.make()
  let situation = nothing
  let planned: { readonly bundle: Bundle; readonly rendered: Inputs | null } | null = null
  let changed = false

  /** The bundle that serves and what it was rendered with; the plan stays as it was while these are not known. */
  const replan = Effect.fnUntraced(function* (at: Instant) {
    const bundle = yield* held.latest
    const { directory, generation } = yield* deployer.current
    if (bundle === null || bundle.generation !== generation) return
    const rendered = yield* inputs.of(directory)
    if (planned?.bundle === bundle && planned.rendered === rendered) return
    planned = { bundle, rendered }
    const index = indexBundle(bundle)
    const names = hostNames(bundle)
    const addresses = rendered?.addresses ?? (yield* resolver.known(names))
    const { omitted, targets } = planOf(index, addresses)
    probing.plan(targets, at)
    const unresolvedSince = new Map(
      unresolvedNames({ addresses, names }).map((name) => [name, situation.unresolvedSince.get(name) ?? at.wallMillis])
    )
    situation = { upstreams: index.upstreams, names, addresses, probed: [], omitted, unresolvedSince }
    changed = true
  })

  const now = (): Situation => ({ ...situation, probed: probing.probed })

  const tell = Effect.gen(function* () {
    changed = false
    const { probed } = now()
    yield* inputs.leaveOut(unhealthyKeys(probed))
    yield* alerts.raise("backends", backendAlerts(now()))
    yield* HealthFile.write(dataDirectory, new Map(probed.map(({ health, target }) => [target.key, health])))
  })

  const ask = (target: Target) =>
    permits.withPermit(probe(target.request)).pipe(
      Effect.flatMap((failure) =>
        Effect.map(Clock.currentTimeMillis, (wallMillis) => {
          if (probing.ended(target.key, failure, wallMillis)) changed = true
        })
      )
    )

  const round = Effect.gen(function* () {
    const at = yield* instant
    yield* replan(at)
    yield* Effect.forEach(probing.begin(at), (target) => FiberSet.run(fibers, ask(target)), { discard: true })
    if (changed) yield* tell
    yield* Effect.sleep(probing.waitMillis(at.nowMillis))
  })
  yield* Effect.forkScoped(Effect.forever(round))

  return Backends.of({
    down: Effect.sync(() => backendsDown(now())),
    counts: Effect.sync(() => {
      const { addresses, names, probed } = now()
      const unresolved = unresolvedNames({ addresses, names }).length
      return { probed: probed.length, unhealthy: unhealthyKeys(probed).size, unresolved }
    })
  })
})
