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
  /** Since when this leader looks after it. */
  readonly seenAtMillis: number
  /** When it was last heard of; `null`: not yet, in this term. */
  readonly activeAtMillis: number | null
  /** Since when every status said that it has caught up; `null`: the last did not, or it votes. */
  readonly caughtUpSinceMillis: number | null
  readonly catchUp: CatchUpVerdict | null
}

export interface PeerRecords {
  /** Another term is another leader's, who knows nothing of before. */
  readonly term: Term
  readonly peers: ReadonlyMap<MasterId, PeerRecord>
}

export const noRecords: PeerRecords = { term: 0, peers: new Map() }

/**
 * Raft counts whoever is new to a leader as heard of until it first checks, an election timeout later. That must not
 * make a dead voter look alive, so it is believed after a while only; progress is believed at once.
 */
const isHeard = ({ isActive, match }: PeerStatus, before: PeerRecord | undefined, nowMillis: number): boolean => {
  if (before === undefined) return false
  if (match > before.match) return true
  return isActive && nowMillis - before.seenAtMillis >= Duration.toMillis(Limits.cluster.peerUnproven)
}

const recordOf = (peer: PeerStatus, before: PeerRecord | undefined, nowMillis: number): PeerRecord => ({
  match: peer.match,
  catchUp: peer.catchUp,
  seenAtMillis: before?.seenAtMillis ?? nowMillis,
  activeAtMillis: isHeard(peer, before, nowMillis) ? nowMillis : (before?.activeAtMillis ?? null),
  caughtUpSinceMillis: peer.catchUp === "CaughtUp" ? (before?.caughtUpSinceMillis ?? nowMillis) : null
})

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
  activeAtMillis !== null && nowMillis - activeAtMillis < Duration.toMillis(Limits.cluster.peerSilence)

/** How long it has said nothing to this leader. */
export const silentMillis = ({ activeAtMillis, seenAtMillis }: PeerRecord, nowMillis: number): number =>
  nowMillis - (activeAtMillis ?? seenAtMillis)

/** Who can be counted on, as this leader sees it: itself, and whoever it has heard of lately. */
export const aliveMasters = (self: MasterId, { peers }: PeerRecords, nowMillis: number): ReadonlySet<MasterId> =>
  new Set([self, ...[...peers].flatMap(([id, record]) => (isAlive(record, nowMillis) ? [id] : []))])
