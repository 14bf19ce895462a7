/** Whether others can find a master by what it says of itself: one that is alone may listen everywhere and say so. Pure. */
import { listensEverywhere, readAddress } from "@nxmesh/core/settings/SettingValues"
import type { MasterDescription } from "@nxmesh/protocol/model/Master"
import { Result } from "effect"

const names = ["peer_address", "agent_address"] as const

const isSpecific = (text: string): boolean =>
  Result.match(readAddress(text), {
    onFailure: () => false,
    onSuccess: (address) => address.port !== 0 && !listensEverywhere(address)
  })

/** The first address by which nobody finds the master, in words; `undefined` when both are fine. */
export const unspecificAddress = (master: MasterDescription): string | undefined => {
  const name = names.find((each) => !isSpecific(master[each]))
  return name === undefined
    ? undefined
    : `master ${master.name} has the ${name} ${master[name]}, by which no other one reaches it`
}
