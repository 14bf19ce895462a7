/** Whether the tree that serves was rendered with other addresses or other servers left out than hold now. Pure. */
import { type DownServers, leftOut } from "@nxmesh/core/nginx/Backends"
import { indexBundle } from "@nxmesh/core/nginx/BundleIndex"
import { hostNames } from "@nxmesh/core/nginx/Render"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { Inputs } from "../deploy/RenderInputs.ts"
import * as AddressBook from "../nginx/AddressBook.ts"

/** What of a bundle depends on names and health checks. */
export interface Dependencies {
  readonly bundle: Bundle
  readonly names: ReadonlyArray<string>
  readonly upstreams: ReadonlyArray<Upstream>
}

export const dependenciesOf = (bundle: Bundle): Dependencies => ({
  bundle,
  names: hostNames(bundle),
  upstreams: indexBundle(bundle).upstreams
})

/** Every server that rendering leaves out. */
export const allLeftOut = (upstreams: ReadonlyArray<Upstream>, { addresses, down }: Inputs): DownServers =>
  down.size === 0 ? down : new Set(upstreams.flatMap((upstream) => [...leftOut(upstream, addresses, down)]))

const isSameSet = (left: DownServers, right: DownServers): boolean =>
  left.size === right.size && [...left].every((one) => right.has(one))

const namedIn = ({ addresses, down }: Inputs, names: ReadonlyArray<string>): Inputs => ({
  addresses: AddressBook.select(addresses, names),
  down
})

/**
 * Only names that were rendered count: of a bundle with a bad resource, the rest is what serves.
 *
 * @param inUse what the tree that serves was rendered with; `null` when nobody knows
 */
export const isStale = ({ names, upstreams }: Dependencies, inUse: Inputs | null, wanted: Inputs): boolean => {
  if (inUse === null) return names.length > 0 || allLeftOut(upstreams, wanted).size > 0
  const rendered = names.filter((name) => inUse.addresses.has(name))
  const [before, after] = [namedIn(inUse, rendered), namedIn(wanted, rendered)]
  return (
    !AddressBook.isSame(before.addresses, after.addresses) ||
    !isSameSet(allLeftOut(upstreams, before), allLeftOut(upstreams, after))
  )
}
