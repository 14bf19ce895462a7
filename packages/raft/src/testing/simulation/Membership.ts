/**
 * The operator of the simulated cluster: adds, promotes, demotes, replaces and removes members, and replaces those whose
 * disk is gone. Never proposes what would leave fewer live voters than a majority; everything else is fair.
 */

import type { Configuration, NodeId } from "../../core/Types.ts"
import type { SeededRandom } from "../SeededRandom.ts"

export interface MembershipView {
  /** The leader's latest configuration, committed or not. */
  readonly configuration: Configuration
  readonly leader: NodeId
  readonly wiped: ReadonlySet<NodeId>
  /** An id that was never used; null when enough nodes were made. */
  readonly fresh: () => NodeId | null
  /** Nodes that were removed, and whose disks are still good. */
  readonly removed: ReadonlyArray<NodeId>
}

export type MembershipChange = Pick<Configuration, "voters" | "learners">

export const votersMax = 7

const replaceWiped = (view: MembershipView, random: SeededRandom, wiped: NodeId): MembershipChange | null => {
  const { voters, learners } = view.configuration
  const isVoter = voters.includes(wiped)
  const without = { voters: voters.filter((id) => id !== wiped), learners: learners.filter((id) => id !== wiped) }
  if (!isVoter) return without
  const fresh = random.chance(70) ? view.fresh() : null
  return fresh === null ? without : { ...without, voters: [...without.voters, fresh] }
}

/** Every kind of change, each null when it is not possible now. */
const changes = (
  view: MembershipView,
  random: SeededRandom
): ReadonlyArray<readonly [name: string, make: () => MembershipChange | null]> => {
  const { voters, learners } = view.configuration
  const joining = (): NodeId | null =>
    view.removed.length > 0 && random.chance(30) ? random.pick(view.removed) : view.fresh()
  const add = (id: NodeId | null, to: "voters" | "learners"): MembershipChange | null =>
    id === null ? null : { voters, learners, [to]: [...view.configuration[to], id] }
  const aVoter = (): NodeId => (random.chance(40) && voters.includes(view.leader) ? view.leader : random.pick(voters))
  const without = (id: NodeId): ReadonlyArray<NodeId> => voters.filter((voter) => voter !== id)
  return [
    ["add learner", () => (learners.length > 1 ? null : add(joining(), "learners"))],
    ["add voter", () => (voters.length >= votersMax ? null : add(joining(), "voters"))],
    [
      "promote learner",
      () => {
        if (learners.length === 0 || voters.length >= votersMax) return null
        const id = random.pick(learners)
        return { voters: [...voters, id], learners: learners.filter((learner) => learner !== id) }
      }
    ],
    [
      "demote voter",
      () => {
        if (voters.length < 2) return null
        const id = aVoter()
        return { voters: without(id), learners: [...learners, id] }
      }
    ],
    ["remove voter", () => (voters.length < 2 ? null : { voters: without(aVoter()), learners })],
    ["remove learner", () => (learners.length === 0 ? null : { voters, learners: learners.slice(1) })],
    [
      "replace voter",
      () => {
        const id = joining()
        return id === null ? null : { voters: [...without(aVoter()), id], learners }
      }
    ],
    [
      "replace two voters",
      () => {
        const ids = [view.fresh(), view.fresh()].filter((id) => id !== null)
        if (ids.length < 2 || voters.length < 2) return null
        return { voters: [...random.shuffle(voters).slice(2), ...ids], learners }
      }
    ]
  ]
}

/** A change to propose, with its name for the counters; null when nothing sensible is possible. */
export const chooseChange = (
  view: MembershipView,
  random: SeededRandom
): { readonly name: string; readonly change: MembershipChange } | null => {
  const { voters, learners } = view.configuration
  const wiped = [...voters, ...learners].find((id) => view.wiped.has(id))
  if (wiped !== undefined) {
    const change = replaceWiped(view, random, wiped)
    return change === null || change.voters.length === 0 ? null : { name: "replace wiped", change }
  }
  const [name, make] = random.pick(changes(view, random))
  const change = make()
  return change === null ? null : { name, change }
}

/** Whether a configuration could still decide if a node were gone as well. */
export const survivesWithout = (
  { voters, outgoing }: Configuration,
  wiped: ReadonlySet<NodeId>,
  node: NodeId
): boolean =>
  [voters, outgoing].every(
    (members) =>
      members.length === 0 || members.filter((id) => id !== node && !wiped.has(id)).length * 2 > members.length
  )
