/**
 * Which of the masters that have no cluster makes one (design-cluster.md 18). Pure.
 *
 * A master makes the cluster when all n addresses answer with n different ids, none has a cluster, every other master
 * sees these same n ids, and its own is the smallest. All the others join. A master that is told of a cluster joins that.
 *
 * There are never two. Suppose X and Y both make one. Each saw the other at its address, without a cluster, and was seen
 * by it in the answer; ids stay in the data directory, so X's set holds Y and Y's set holds X. X is the smallest of its
 * set, so X < Y; likewise Y < X. A disk that was wiped makes no difference: its master comes back with another id, sees
 * nobody until it asked, and what it asked for it is told as it is then: a founder and a joiner stop saying that they
 * have no cluster before they act. Only if the founder's disk is lost before anybody joined is there a second one, and
 * then the first is gone.
 */
import type { MasterId } from "@nxmesh/protocol/Ids"

/** What one of the addresses said when it was asked last. */
export type AddressView =
  | { readonly _tag: "Silent" }
  | { readonly _tag: "Formed" }
  | { readonly _tag: "Unformed"; readonly id: MasterId; readonly sees: ReadonlyArray<MasterId> }

export type FormingDecision =
  | { readonly _tag: "Join" }
  | { readonly _tag: "Make" }
  | { readonly _tag: "Wait"; readonly reason: string }

/** The masters without a cluster that are seen. */
export const seenIn = (views: Iterable<AddressView>): ReadonlyArray<MasterId> =>
  [...new Set([...views].flatMap((view) => (view._tag === "Unformed" ? [view.id] : [])))].toSorted()

const isSame = (a: ReadonlyArray<MasterId>, b: ReadonlyArray<MasterId>): boolean =>
  a.length === b.length && new Set([...a, ...b]).size === a.length

const wait = (reason: string): FormingDecision => ({ _tag: "Wait", reason })

/** By the views of all the addresses that the settings name, this master's own among them. */
export const decideForming = (self: MasterId, expect: number, views: ReadonlyArray<AddressView>): FormingDecision => {
  if (views.some(({ _tag }) => _tag === "Formed")) return { _tag: "Join" }
  const seen = seenIn(views)
  const silent = views.filter(({ _tag }) => _tag === "Silent").length
  if (silent > 0) return wait(`${views.length - silent} of ${views.length} addresses of NXMESH_JOIN answer`)
  if (!seen.includes(self)) return wait("none of the addresses of NXMESH_JOIN is this master's own: name it, too")
  if (seen.length !== expect || views.length !== expect) {
    return wait(`${seen.length} masters answer at ${views.length} addresses: name each of the ${expect} once`)
  }
  const differs = views.some((view) => view._tag === "Unformed" && view.id !== self && !isSame(view.sees, seen))
  if (differs) return wait("not every master sees all the others yet")
  return seen[0] === self ? { _tag: "Make" } : wait(`master ${seen[0]} makes the cluster`)
}
