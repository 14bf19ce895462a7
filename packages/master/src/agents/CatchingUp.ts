/**
 * An agent that has accepted a directive newer than what this master knows would refuse every directive of it. What the
 * agent has seen is committed, so a master of the same cluster will have it soon: it waits a moment, then sends the agent
 * elsewhere (design-cluster.md 1).
 */
import { compareOrder, type Order } from "@nxmesh/protocol/link/Directive"
import { type LinkRefused, refused } from "@nxmesh/protocol/link/LinkRefused"
import { Effect, Schedule } from "effect"
import { Limits } from "../Limits.ts"

const behind = (here: Order, highest: Order): LinkRefused =>
  refused(
    "behind",
    `this master is at entry ${here.index} of epoch ${here.epoch} and the agent has seen entry ${highest.index} of epoch ${highest.epoch}: connect to another master, or recover the cluster so that it opens a new epoch`
  )

/** Succeeds when this master is where the agent is; fails with `behind` when it does not come there in time. */
export const awaitOrder = Effect.fn("awaitOrder")(function* (here: Effect.Effect<Order>, highest: Order | null) {
  if (highest === null) return
  const check = Effect.flatMap(here, (at) =>
    compareOrder(highest, at) <= 0 ? Effect.void : Effect.fail(behind(at, highest))
  )
  // The last look says where the master stands.
  yield* check.pipe(Effect.retry(catchUpWait))
})

/** For a master that applies what others have committed: every 25 ms, for as long as an agent may be kept waiting. */
const catchUpWait = Schedule.spaced(Limits.agents.catchUpInterval).pipe(
  Schedule.upTo({ duration: Limits.agents.catchUpWait })
)
