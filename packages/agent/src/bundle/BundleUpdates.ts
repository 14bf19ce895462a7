/** Makes a bundle of what a directive carried. Pure. */
import { generationOf, makeBundle } from "@nxmesh/core/nginx/Generation"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"

/** The generation that an update leads to. */
export const targetOf = (update: BundleUpdate) =>
  update._tag === "Full" ? update.bundle.generation : update.generation

/** True when the content hashes to the generation it is said to be. */
export const isWhole = (bundle: Bundle): boolean => generationOf(bundle.resources) === bundle.generation

/** The bundle, or `null` when all of it must be asked for: a delta from another base, or one that does not add up. */
export const resolveUpdate = (held: Bundle | null, update: BundleUpdate): Bundle | null => {
  if (update._tag === "Full") return isWhole(update.bundle) ? update.bundle : null
  if (held?.generation !== update.base) return null
  const changed = new Set([...update.removed, ...update.put.map(({ key }) => key)])
  const bundle = makeBundle([...held.resources.filter(({ key }) => !changed.has(key)), ...update.put])
  return bundle.generation === update.generation ? bundle : null
}
