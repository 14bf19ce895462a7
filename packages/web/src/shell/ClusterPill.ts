/** The cluster in one word of colour, and why: who leads, and how many masters may still fail. Pure. */
import type { Cluster } from "@nxmesh/protocol/model/ClusterStatus"

export interface Pill {
  readonly color: "green" | "orange" | "red"
  readonly text: string
  readonly why: string
}

export const clusterPill = ({ advice, failures_tolerated, frozen, leader_id, masters, term }: Cluster): Pill => {
  const leader = masters.find(({ id }) => id === leader_id)
  const healthy = masters.filter((master) => master.healthy).length
  if (leader === undefined) {
    return {
      color: "red",
      text: "✗ no leader",
      why: "No master leads: nothing can be changed, and agents go on serving what they have."
    }
  }
  const standing = `${leader.name} leads · term ${term} · ${healthy}/${masters.length}`
  if (frozen)
    return {
      color: "orange",
      text: `▲ frozen · ${standing}`,
      why: "Deployments are frozen: nothing is sent to agents."
    }
  const away = masters.length - healthy
  if (away > 0 && away >= failures_tolerated) {
    return { color: "orange", text: `▲ ${standing}`, why: "One more master lost stops changes." }
  }
  return { color: "green", text: `● ${standing}`, why: advice[0] ?? "All masters are well." }
}
