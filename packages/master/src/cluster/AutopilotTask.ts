/** The leader's task that warns of dead members, and removes them where `NXMESH_AUTOPILOT_CLEANUP` is set. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { Principal } from "@nxmesh/protocol/Principal"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import { Clock, Effect, Schedule, Stream } from "effect"
import { Limits } from "../Limits.ts"
import { Settings } from "../Settings.ts"
import { Reads } from "../state/Reads.ts"
import { type AutopilotView, deadMasters, deadWarning, removable } from "./Autopilot.ts"
import { type Leadership, leaderTask } from "./LeaderTasks.ts"
import { noRecords, observe } from "./PeerRecords.ts"
import { Warnings } from "./Warnings.ts"

const autopilot: Principal = { _tag: "System", component: "autopilot" }
const lookInterval = Schedule.spaced(Limits.cluster.autopilotInterval)

const watch = Effect.fnUntraced(function* ({ submit }: Leadership) {
  const node = yield* RaftNode
  const reads = yield* Reads
  const { autopilotCleanup } = yield* Settings
  const setWarnings = yield* (yield* Warnings).keep("autopilot")
  const dead = yield* (yield* Metrics).gauge({
    name: "nxmesh_cluster_dead_masters",
    help: "On the leader: members that have not been heard of for long."
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => dead.set(0)))
  let records = noRecords

  const now = Effect.map(Clock.currentTimeNanos, (nanos) => Number(nanos / 1_000_000n))

  const remove = Effect.fnUntraced(function* (view: AutopilotView) {
    const found = autopilotCleanup ? removable(view) : null
    if (found === null) return
    const { id, name, silentMillis } = found
    yield* submit({ principal: autopilot, command: { _tag: "RemoveMaster", id } }).pipe(
      Effect.andThen(
        Effect.logWarning(
          `autopilot removed master ${name}: it had been silent for ${Math.round(silentMillis / 1_000)} s`,
          {
            master: id
          }
        )
      ),
      Effect.catch((error) => Effect.logWarning(`autopilot could not remove master ${name}: ${error.message}`))
    )
  })

  const look = Effect.gen(function* () {
    const { id } = yield* node.status
    const masters = yield* reads.masters
    const view = { self: id as MasterId, masters, records, nowMillis: yield* now }
    const found = deadMasters(view)
    dead.set(found.length)
    yield* setWarnings(found.map(deadWarning))
    yield* remove(view)
  })

  const remember = Stream.runForEach(node.statuses, (status) =>
    Effect.map(now, (nowMillis) => {
      records = observe(records, status, nowMillis)
    })
  )
  yield* Effect.all([remember, Effect.repeat(look, lookInterval)], { concurrency: 2, discard: true })
})

export const layerAutopilot = leaderTask({ name: "autopilot", run: watch })
