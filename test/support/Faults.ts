/** What a nemesis does to a cluster, each with its end. Everything is well again after the end, or it does not return. */
import { Effect, type Scope } from "effect"
import { writeFileSync } from "node:fs"
import type { ClusterMaster, TestCluster } from "./Cluster.ts"
import type { TestNetwork } from "./Namespaces.ts"
import type { SmallDisk } from "./SmallDisk.ts"

/** A cluster with what faults need of the machine. */
export interface FaultyCluster {
  readonly cluster: TestCluster
  readonly network: TestNetwork
  readonly disk: (master: ClusterMaster) => SmallDisk
  /** Holds by how many milliseconds the master's clock is off (SkewedClock.ts). */
  readonly clockFile: (master: ClusterMaster) => string
  /** One more master, on the host and with a new disk in place of one that was removed. */
  readonly replace: (master: ClusterMaster) => Effect.Effect<void, never, Scope.Scope>
}

export interface Fault {
  readonly begin: Effect.Effect<void, never, Scope.Scope>
  readonly end: Effect.Effect<void, never, Scope.Scope>
  /** Whether the victim may end by itself meanwhile. */
  readonly mayEnd: boolean
}

const fault = (begin: Fault["begin"], end: Fault["end"], mayEnd = false): Fault => ({ begin, end, mayEnd })

const restart = (master: ClusterMaster) =>
  Effect.suspend(() => (master.isRunning() ? Effect.void : master.start)).pipe(Effect.andThen(master.ready))

export const kill = (master: ClusterMaster): Fault => fault(master.kill, restart(master), true)

export const pause = (master: ClusterMaster): Fault => fault(master.pause, Effect.andThen(master.resume, master.ready))

/** Everybody else of the cluster, as pairs with the victim first. */
const pairs = ({ cluster }: FaultyCluster, master: ClusterMaster) =>
  cluster
    .masters()
    .filter((other) => other !== master)
    .map((other) => [master.host!, other.host!] as const)

const cutting = (
  target: FaultyCluster,
  master: ClusterMaster,
  directions: { readonly out: boolean; readonly in: boolean }
): Fault => {
  const { network } = target
  const links = pairs(target, master).flatMap(([own, other]) => [
    ...(directions.out ? [[own, other] as const] : []),
    ...(directions.in ? [[other, own] as const] : [])
  ])
  return fault(
    Effect.forEach(links, ([from, to]) => network.cut(from, to), { discard: true }),
    Effect.andThen(
      Effect.forEach(links, ([from, to]) => network.mend(from, to), { discard: true }),
      master.ready
    )
  )
}

export const isolate = (target: FaultyCluster, master: ClusterMaster) =>
  cutting(target, master, { out: true, in: true })
export const deafen = (target: FaultyCluster, master: ClusterMaster) =>
  cutting(target, master, { out: false, in: true })
export const silence = (target: FaultyCluster, master: ClusterMaster) =>
  cutting(target, master, { out: true, in: false })

/** Far less than a cluster under load says. */
const slowKbitPerSecond = 400

export const slow = ({ network }: FaultyCluster, master: ClusterMaster): Fault =>
  fault(network.slow(master.host!, slowKbitPerSecond), Effect.andThen(network.hasten(master.host!), master.ready))

/** A write that failed last of all ends the master a moment after there is room again: then it gets one more start. */
export const fillDisk = ({ disk }: FaultyCluster, master: ClusterMaster): Fault => {
  const restarted = restart(master).pipe(
    Effect.catchDefect((defect) => (master.isRunning() ? Effect.die(defect) : restart(master)))
  )
  return fault(disk(master).fill, Effect.andThen(disk(master).free, restarted), true)
}

export const skewClock = ({ clockFile }: FaultyCluster, master: ClusterMaster, byMillis: number): Fault => {
  const set = (millis: number) => Effect.sync(() => writeFileSync(clockFile(master), String(millis)))
  return fault(set(byMillis), Effect.andThen(set(0), master.ready))
}

/** The cluster chooses the next leader. */
export const handOver = ({ cluster }: FaultyCluster): Fault =>
  fault(
    Effect.gen(function* () {
      const leader = yield* cluster.leader
      yield* cluster.api(leader).expect(202, "POST", "/api/v1/cluster/leadership", { to: null })
    }),
    Effect.void
  )

export const rollingRestart = ({ cluster }: FaultyCluster): Fault =>
  fault(
    Effect.void,
    Effect.forEach(cluster.masters(), (master) => Effect.andThen(master.stop, restart(master)), { discard: true }),
    true
  )

export const replace = (target: FaultyCluster, master: ClusterMaster): Fault =>
  fault(Effect.void, target.replace(master), true)
