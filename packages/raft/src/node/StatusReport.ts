/** What a node's state says to people and metrics. */
import type { CatchUpVerdict } from "../core/CatchUp.ts"
import { latest, members } from "../core/Configuration.ts"
import { lastIndex } from "../core/Log.ts"
import { isRemoved } from "../core/Removal.ts"
import type { State } from "../core/State.ts"
import type { NodeId } from "../core/Types.ts"
import type { PeerStatus, ReplicaStatus } from "./Status.ts"

export const peerStatuses = (
  { progress, role }: State,
  catchUpOf: (learner: NodeId) => CatchUpVerdict | null
): ReadonlyArray<PeerStatus> =>
  role === "Leader"
    ? [...progress].map(([id, { isActive, match, mode }]) => ({ id, mode, match, isActive, catchUp: catchUpOf(id) }))
    : []

type OfCore =
  | "id"
  | "role"
  | "term"
  | "leader"
  | "configuration"
  | "configurationIndex"
  | "isMember"
  | "isRemoved"
  | "firstIndex"
  | "lastIndex"
  | "persisted"
  | "commit"
  | "applied"
  | "snapshotIndex"

export const coreStatus = (state: State): Pick<ReplicaStatus, OfCore> => {
  const { configuration, index } = latest(state.configurations)
  return {
    id: state.id,
    role: state.role,
    term: state.term,
    leader: state.leader,
    configuration,
    isMember: members(configuration).includes(state.id),
    isRemoved: isRemoved(state),
    configurationIndex: index,
    firstIndex: state.log.baseIndex + 1,
    lastIndex: lastIndex(state.log),
    persisted: state.persisted,
    commit: state.commit,
    applied: state.applied,
    snapshotIndex: state.snapshot?.metadata.index ?? 0
  }
}
