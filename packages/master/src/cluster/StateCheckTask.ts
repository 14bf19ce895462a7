/** The leader's task that has all masters compare their states, at one entry of the log (rule 12). */
import type { Principal } from "@nxmesh/protocol/Principal"
import { Effect, Schedule } from "effect"
import { Settings } from "../Settings.ts"
import { checksSince } from "../state/ReadChecks.ts"
import { Reads } from "../state/Reads.ts"
import { type Leadership, leaderTask } from "./LeaderTasks.ts"

const principal: Principal = { _tag: "System", component: "state-check" }

/** A master alone has nobody to compare with. */
const check = Effect.fnUntraced(function* ({ submit }: Leadership) {
  const reads = yield* Reads
  const state = yield* reads.clusterState
  if (state === undefined || state.clusterVersion < checksSince || (yield* reads.masters).length < 2) return
  yield* submit({ principal, command: { _tag: "CheckState" } })
})

const checkNowAndThen = Effect.fnUntraced(function* (leadership: Leadership) {
  const { stateCheckInterval } = yield* Settings
  yield* Effect.repeat(check(leadership), Schedule.spaced(stateCheckInterval))
})

export const layerStateCheckTask = leaderTask({ name: "state-check", run: checkNowAndThen })
