/** The leader's task that raises the cluster's version when every master knows the next, unless `NXMESH_CLUSTER_UPGRADE` is manual. */
import type { Principal } from "@nxmesh/protocol/Principal"
import { Clock, Effect, Schedule } from "effect"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { Reads } from "../state/Reads.ts"
import { type Leadership, leaderTask } from "./LeaderTasks.ts"
import { isDue, judgeUpgrade, type Steady, steadied } from "./Upgrade.ts"

const upgrader: Principal = { _tag: "System", component: "upgrade" }
const lookInterval = Schedule.spaced(Limits.cluster.upgradeInterval)

const watch = Effect.fnUntraced(function* ({ submit }: Leadership) {
  const reads = yield* Reads
  const { clusterUpgrade } = yield* Settings
  if (clusterUpgrade === "manual") return
  let steady: Steady | null = null

  const raise = Effect.fnUntraced(function* (version: number) {
    yield* submit({ principal: upgrader, command: { _tag: "SetClusterVersion", version } }).pipe(
      Effect.andThen(Effect.logInfo(`the cluster is at version ${version}: every master knows it`)),
      Effect.catch((error) => Effect.logWarning(`the cluster could not rise to version ${version}: ${error.message}`))
    )
  })

  const look = Effect.gen(function* () {
    const state = yield* reads.clusterState
    if (state === undefined) return
    const masters = yield* reads.masters
    const nowMillis = Number((yield* Clock.currentTimeNanos) / 1_000_000n)
    steady = steadied(steady, judgeUpgrade(state.clusterVersion, masters), masters, nowMillis)
    if (steady !== null && isDue(steady, nowMillis)) yield* raise(steady.next)
  })
  yield* Effect.repeat(look, lookInterval)
})

export const layerUpgrade = leaderTask({ name: "upgrade", run: watch })
