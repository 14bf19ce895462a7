/**
 * Watches over members that have died (design-cluster.md 20): warns of one that has not been heard of for long, and where
 * an operator chose it, removes it while the rest is strong enough without. Pure.
 */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Duration } from "effect"
import { Limits } from "../Limits.ts"
import { aliveMasters, type PeerRecords, silentMillis } from "./PeerRecords.ts"

export interface AutopilotView {
  readonly self: MasterId
  /** Members by the table, with their names. */
  readonly masters: ReadonlyArray<{ readonly id: MasterId; readonly name: string; readonly voter: boolean }>
  readonly records: PeerRecords
  readonly nowMillis: number
}

export interface DeadMaster {
  readonly id: MasterId
  readonly name: string
  readonly voter: boolean
  readonly silentMillis: number
}

/** Members that this leader has not heard of for so long that it is no restart any more, the longest first. */
export const deadMasters = ({ masters, nowMillis, records, self }: AutopilotView): ReadonlyArray<DeadMaster> =>
  masters
    .flatMap(({ id, name, voter }) => {
      const record = records.peers.get(id)
      if (id === self || record === undefined) return []
      const silent = silentMillis(record, nowMillis)
      const isDead = silent >= Duration.toMillis(Limits.cluster.deadMasterWarning)
      return isDead ? [{ id, name, voter, silentMillis: silent }] : []
    })
    .toSorted((a, b) => b.silentMillis - a.silentMillis)

/** Whole minutes, so that the sentence is the same for a while. */
export const deadWarning = ({ id, name }: DeadMaster): string =>
  `master ${name} (${id}) has not been heard of for more than ${Duration.toMinutes(Limits.cluster.deadMasterWarning)} ` +
  `minutes: start it, or remove it and add another one`

/**
 * The one to remove now; `null`: none. Only one that has been dead for long, and only while at least three live voters
 * remain and are a majority of those that remain: then the cluster tolerates as many failures as before, or more.
 */
export const removable = (view: AutopilotView): DeadMaster | null => {
  const alive = aliveMasters(view.self, view.records, view.nowMillis)
  const voters = view.masters.filter(({ voter }) => voter)
  const long = deadMasters(view).filter(
    (dead) => dead.silentMillis >= Duration.toMillis(Limits.cluster.deadMasterRemoval)
  )
  return (
    long.find(({ id }) => {
      const rest = voters.filter((voter) => voter.id !== id)
      const living = rest.filter((voter) => alive.has(voter.id)).length
      return living >= Limits.cluster.autopilotVotersMin && living * 2 > rest.length
    }) ?? null
  )
}
