/**
 * Where Raft finds the other masters. The table of masters says it, and usually that is all. A master that is behind has
 * a table from before: in it a leader may be missing that joined meanwhile, and without its address it could never
 * be answered. So what others said counts as well, the newest word for each. Pure.
 */
import { type Address, addressText, listensEverywhere, readAddress } from "@nxmesh/core/settings/SettingValues"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { members } from "@nxmesh/raft/core/Configuration"
import type { Status } from "@nxmesh/raft/node/Status"
import { Duration, Result } from "effect"
import { Limits } from "../Limits.ts"

/** What one table of masters says, and how new it is. */
export interface AddressBook {
  /** The entry of the log that the table had applied. */
  readonly index: number
  /** `host:port` by id. */
  readonly addresses: ReadonlyMap<MasterId, string>
}

export const addressBook = (
  index: number,
  masters: ReadonlyArray<{ readonly id: MasterId; readonly peer_address: string }>
): AddressBook => ({ index, addresses: new Map(masters.map(({ id, peer_address }) => [id, peer_address])) })

const reachable = (text: string): Address | null => {
  const address = readAddress(text)
  return Result.isFailure(address) || listensEverywhere(address.success) ? null : address.success
}

/**
 * The newest book names who is there; an older one helps with those that Raft's configuration or its leader names. This
 * master itself is left out, and so is an address that tells nobody where it is.
 */
export const peerAddresses = (
  books: ReadonlyArray<AddressBook>,
  { configuration, id: own, leader }: Pick<Status, "configuration" | "id" | "leader">
): ReadonlyMap<MasterId, Address> => {
  const oldestFirst = books.toSorted((a, b) => a.index - b.index)
  const needed = new Set<string>([...(oldestFirst.at(-1)?.addresses.keys() ?? []), ...members(configuration)])
  if (leader !== null) needed.add(leader)
  const texts = new Map(oldestFirst.flatMap(({ addresses }) => [...addresses]))
  return new Map(
    [...texts].flatMap(([id, text]) => {
      const address = id === own || !needed.has(id) ? null : reachable(text)
      return address === null ? [] : [[id, address] as const]
    })
  )
}

export const sameAddresses = (a: ReadonlyMap<MasterId, Address>, b: ReadonlyMap<MasterId, Address>): boolean =>
  a.size === b.size && [...a].every(([id, { host, port }]) => b.get(id)?.host === host && b.get(id)?.port === port)

/**
 * Masters that were removed not long ago. Raft tells them that they were, and answers them when they come back, at the
 * addresses that they had. Where another master is by now, none of them is.
 */
export class LatelyGone {
  private readonly goneAtMillis = new Map<MasterId, number>()

  /** The present ones, and those of `before` that are gone for less than an hour. */
  with(
    present: ReadonlyMap<MasterId, Address>,
    before: ReadonlyMap<MasterId, Address>,
    nowMillis: number
  ): ReadonlyMap<MasterId, Address> {
    for (const id of present.keys()) this.goneAtMillis.delete(id)
    const all = new Map(present)
    const taken = new Set([...present.values()].map(addressText))
    for (const [id, address] of before) {
      if (present.has(id)) continue
      if (taken.has(addressText(address))) {
        this.goneAtMillis.delete(id)
        continue
      }
      const goneAtMillis = this.goneAtMillis.get(id) ?? nowMillis
      this.goneAtMillis.set(id, goneAtMillis)
      if (nowMillis - goneAtMillis < Duration.toMillis(Limits.cluster.goneMasterKept)) all.set(id, address)
      else this.goneAtMillis.delete(id)
    }
    return all
  }
}
