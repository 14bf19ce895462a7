/**
 * What a leader remembers of its peers from one status of Raft to the next: a status says only how things stand, and
 * decisions about members need to know for how long. Pure.
 */
import type { CatchUpVerdict } from "@nxmesh/raft/core/CatchUp"
import type { Term } from "@nxmesh/raft/core/Types"
import type { PeerStatus, Status } from "@nxmesh/raft/node/Status"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"

/** Times are milliseconds of a clock that never goes back. */
export interface PeerRecord {
  readonly match: number
  readonly isVoter: boolean
  /** When it was last heard of; at first, when this leader began to look. */
  readonly activeAtMillis: number
  /** Since when every status said that it has caught up; `null`: the last did not. A voter always has. */
  readonly caughtUpSinceMillis: number | null
  readonly catchUp: CatchUpVerdict | null
}

export interface PeerRecords {
  /** Another term is another leader's, who knows nothing of before. */
  readonly term: Term
  readonly peers: ReadonlyMap<MasterId, PeerRecord>
}

export const noRecords: PeerRecords = { term: 0, peers: new Map() }

const recordOf = (peer: PeerStatus, before: PeerRecord | undefined, nowMillis: number): PeerRecord => {
  const { isActive, match } = peer
  const catchUp = "catchUp" in peer ? (peer.catchUp as CatchUpVerdict | null) : null
  const isVoter = catchUp === null
  const hasCaughtUp = isVoter || catchUp === "CaughtUp"
  return {
    match,
    isVoter,
    catchUp,
    activeAtMillis: before === undefined || isActive || match > before.match ? nowMillis : before.activeAtMillis,
    caughtUpSinceMillis: hasCaughtUp ? (before?.caughtUpSinceMillis ?? nowMillis) : null
  }
}

/** Takes in one status of this node as a leader; a status of a follower forgets everything. */
export const observe = (records: PeerRecords, status: Status, nowMillis: number): PeerRecords => {
  if (status.role !== "Leader") return noRecords
  const before = records.term === status.term ? records.peers : noRecords.peers
  return {
    term: status.term,
    peers: new Map(
      status.peers.map((peer) => {
        const id = peer.id as MasterId
        return [id, recordOf(peer, before.get(id), nowMillis)] as const
      })
    )
  }
}

/** Raft clears and sets who is active several times a second, so one status alone may miss somebody. */
export const isAlive = ({ activeAtMillis }: PeerRecord, nowMillis: number): boolean =>
  nowMillis - activeAtMillis < Duration.toMillis(Limits.cluster.peerSilence)

/** Who can be counted on, as this leader sees it: itself, and whoever it has heard of lately. */
export const aliveMasters = (self: MasterId, { peers }: PeerRecords, nowMillis: number): ReadonlySet<MasterId> =>
  new Set([self, ...[...peers].flatMap(([id, record]) => (isAlive(record, nowMillis) ? [id] : []))])
