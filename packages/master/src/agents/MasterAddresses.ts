/** Where agents are told that they may connect: every member of the cluster, by the name that means something elsewhere. */
import { addressText, listensEverywhere, readAddress } from "@nxmesh/core/settings/SettingValues"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import { Result } from "effect"

/** False for an address that names no host, or no port yet: a master alone may have such a one. */
const isReachable = (text: string): boolean => {
  const address = readAddress(text)
  return Result.isSuccess(address) && !listensEverywhere(address.success) && address.success.port !== 0
}

/**
 * Pure.
 *
 * @param own what this master's settings say, for as long as no member has said where it is
 */
export const masterAddresses = (
  masters: ReadonlyArray<Pick<MasterDescription, "agent_address">>,
  own: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const told = [...new Set(masters.map(({ agent_address }) => agent_address).filter(isReachable))]
  return told.length === 0 ? own : told.toSorted((a, b) => (a < b ? -1 : 1))
}

/** As masters and agents compare addresses. */
export const addressKey = (text: string): string => {
  const address = readAddress(text)
  return (Result.isSuccess(address) ? addressText(address.success) : text).toLowerCase()
}
