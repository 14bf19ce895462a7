/** Runs a schedule of faults against a cluster, one at a time, and watches who leads. */
import { Effect, type Scope } from "effect"
import type { ClusterMaster } from "../support/Cluster.ts"
import * as Faults from "../support/Faults.ts"
import type { Fault, FaultyCluster } from "../support/Faults.ts"
import type { FaultKind, PlannedFault } from "./Schedule.ts"

const makers: Readonly<
  Record<FaultKind, (target: FaultyCluster, victim: ClusterMaster, planned: PlannedFault) => Fault>
> = {
  kill: (_, victim) => Faults.kill(victim),
  pause: (_, victim) => Faults.pause(victim),
  isolate: Faults.isolate,
  deafen: Faults.deafen,
  silence: Faults.silence,
  slow: Faults.slow,
  fillDisk: Faults.fillDisk,
  skewClock: (target, victim, { skewMillis }) => Faults.skewClock(target, victim, skewMillis),
  handOver: Faults.handOver,
  rollingRestart: Faults.rollingRestart,
  replace: Faults.replace
}

const watchEveryMillis = 150
const outputShown = 3_000

export class Nemesis {
  readonly faults: Partial<Record<FaultKind, number>> = {}
  readonly problems: Array<string> = []
  /** Even while all is well. */
  phase = 0
  leaderChanges = 0
  private readonly target: FaultyCluster
  private readonly report: (line: string) => void
  private lastSeen = { leader: "", term: 0 }

  constructor(target: FaultyCluster, report: (line: string) => void) {
    this.target = target
    this.report = report
  }

  /** One fault from begin to end, when it is due. Returns when the cluster is well again. */
  strike(planned: PlannedFault): Effect.Effect<void, never, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      yield* Effect.sleep(planned.afterMillis)
      const victim = yield* this.victim(planned)
      const fault = makers[planned.kind](this.target, victim, planned)
      const started = performance.now()
      this.phase += 1
      yield* fault.begin
      this.faults[planned.kind] = (this.faults[planned.kind] ?? 0) + 1
      yield* Effect.sleep(planned.holdMillis)
      if (!fault.mayEnd) this.missing(planned)
      yield* fault.end
      yield* this.target.cluster.leader
      this.phase += 1
      const role = planned.victim === "leader" ? "the leader" : "a follower"
      const seconds = ((performance.now() - started) / 1_000).toFixed(1)
      this.report(`${planned.kind.padEnd(14)} ${victim.name}, ${role}: ${seconds} s`)
    })
  }

  /** Counts changes of leader and term until interrupted. */
  get watch(): Effect.Effect<never> {
    const { cluster } = this.target
    const look = Effect.suspend(() =>
      Effect.forEach(
        cluster.masters().filter((master) => master.isRunning()),
        (master) => Effect.option(cluster.view(master)),
        { concurrency: "unbounded" }
      )
    ).pipe(
      Effect.map((views) => {
        for (const view of views) {
          if (view._tag === "None" || view.value.leader_id === null) continue
          const { leader_id: leader, term } = view.value
          if (term <= this.lastSeen.term) continue
          if (this.lastSeen.term > 0) this.leaderChanges += 1
          this.lastSeen = { leader, term }
        }
      })
    )
    return look.pipe(Effect.andThen(Effect.sleep(watchEveryMillis)), Effect.forever)
  }

  private victim({ victim }: PlannedFault): Effect.Effect<ClusterMaster> {
    return Effect.map(this.target.cluster.leader, (leader) => {
      if (victim === "leader") return leader
      const followers = this.target.cluster.masters().filter((master) => master !== leader)
      return followers[victim % followers.length]!
    })
  }

  /** A master that ended, though nobody ended it. */
  private missing({ kind }: PlannedFault): void {
    for (const master of this.target.cluster.masters()) {
      if (master.isRunning()) continue
      const { ended, output } = master.program()
      this.problems.push(`${master.name} ended (${ended()}) under ${kind}: ${output().slice(-outputShown)}`)
    }
  }
}
