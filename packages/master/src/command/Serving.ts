/** Whether this master can do what it is asked, judged by how its node of Raft stands. Pure. */
import type { Status } from "@nxmesh/raft/node/Status"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

export interface Serving {
  /** This node has been, at least once, where the leader was. */
  readonly caughtUp: boolean
  /** When a leader was last known, or the node started. Milliseconds since 1970. */
  readonly leaderSeenMillis: number
}

export const servingAtStart = (nowMillis: number): Serving => ({ caughtUp: false, leaderSeenMillis: nowMillis })

/** After another look at the node. */
export const observed = (serving: Serving, { leader }: Pick<Status, "leader">, nowMillis: number): Serving =>
  leader === null ? serving : { ...serving, leaderSeenMillis: nowMillis }

/** As far as this node has heard. It may still get and answer messages after it was removed. */
export const isMember = ({ configuration, id }: Pick<Status, "configuration" | "id">): boolean =>
  [configuration.voters, configuration.learners, configuration.outgoing].some((members) => members.includes(id))

/** Why nobody should be sent here, for the operator; `null`: nothing is wrong. */
export const servingProblem = (serving: Serving, status: Status, nowMillis: number): string | null => {
  if (!isMember(status)) {
    return serving.caughtUp
      ? "this master was removed from its cluster"
      : "the cluster has not taken this master in yet: it waits for the leader to add it"
  }
  if (status.applied < status.firstIndex - 1) return "the state of another master is being taken over"
  const leaderless = Duration.millis(nowMillis - serving.leaderSeenMillis)
  if (status.leader === null && Duration.isGreaterThanOrEqualTo(leaderless, Limits.command.leaderlessMax)) {
    const seconds = Math.floor(Duration.toSeconds(leaderless))
    return `no leader for ${seconds} s: a majority of the masters must be up and reach each other`
  }
  return serving.caughtUp ? null : "the state has not caught up with the cluster yet"
}
