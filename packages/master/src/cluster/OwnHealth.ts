/** What is wrong with this master, in one sentence for whoever looks at the cluster. Pure. */
import type { Status } from "@nxmesh/raft/node/Status"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { bytesText } from "./DiskAlarm.ts"

/** A voter may be a candidate or ask for votes first; who does not vote only listens. */
export const roleOf = ({ configuration, id, role }: Status): PeerStatus["role"] => {
  if (role === "Leader") return "leader"
  if (configuration.learners.includes(id) || !isVoting({ configuration, id })) return "learner"
  return role === "Follower" ? "follower" : "candidate"
}

const isVoting = ({ configuration, id }: Pick<Status, "configuration" | "id">): boolean =>
  configuration.voters.includes(id) || configuration.outgoing.includes(id)

/** The first that applies; `null`: nothing. */
export const ownProblem = (
  { declines, leader, snapshotFailure }: Status,
  disk: { readonly isShort: boolean; readonly freeBytes: number } | null
): string | null => {
  if (leader === null) return "it knows no leader: it reaches no majority of the masters"
  if (declines === "DiskStalls") return "its disk answers too slowly, so it does not lead"
  if (declines === "HostStalls") return "its main thread is busy for seconds on end, so it does not lead"
  if (disk === null) return "how full its disk is cannot be found out; see its log"
  if (disk.isShort) return `its disk has only ${bytesText(disk.freeBytes)} left: make room`
  return snapshotFailure === null ? null : `it cannot make a snapshot of its state: ${snapshotFailure}`
}
