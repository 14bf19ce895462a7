/** What a node's state says to people and metrics. */
import { latest } from "../core/Configuration.ts"
import { lastIndex } from "../core/Log.ts"
import type { State } from "../core/State.ts"
import type { PeerStatus, Status } from "./Status.ts"

const peersOf = ({ progress, role }: State): ReadonlyArray<PeerStatus> =>
  role === "Leader" ? [...progress].map(([id, { isActive, match, mode }]) => ({ id, mode, match, isActive })) : []

type OfCore =
  | "id"
  | "role"
  | "term"
  | "leader"
  | "configuration"
  | "configurationIndex"
  | "firstIndex"
  | "lastIndex"
  | "persisted"
  | "commit"
  | "applied"
  | "snapshotIndex"
  | "peers"

export const coreStatus = (state: State): Pick<Status, OfCore> => {
  const { configuration, index } = latest(state.configurations)
  return {
    id: state.id,
    role: state.role,
    term: state.term,
    leader: state.leader,
    configuration,
    configurationIndex: index,
    firstIndex: state.log.baseIndex + 1,
    lastIndex: lastIndex(state.log),
    persisted: state.persisted,
    commit: state.commit,
    applied: state.applied,
    snapshotIndex: state.snapshot?.metadata.index ?? 0,
    peers: peersOf(state)
  }
}
