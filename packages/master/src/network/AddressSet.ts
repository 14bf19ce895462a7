/** Whether an address, as a socket names its peer, is in one of some blocks. Pure. */
import { BlockList, isIP, isIPv6 } from "node:net"
import { type AddressBlock, readBlocks } from "../SettingValues.ts"
import { Result } from "effect"

/** A peer on a socket of both families shows its IPv4 address in IPv6 form; a link-local one names its interface. */
export const plainAddress = (address: string): string =>
  address.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "")

const familyOf = (address: string) => (isIPv6(address) ? "ipv6" : "ipv4")

export type AddressSet = (address: string) => boolean

export const addressSet = (blocks: ReadonlyArray<AddressBlock>): AddressSet => {
  const list = new BlockList()
  for (const { address, prefix } of blocks) list.addSubnet(address, prefix, familyOf(address))
  return (peer) => {
    const address = plainAddress(peer)
    return isIP(address) !== 0 && list.check(address, familyOf(address))
  }
}

const everybody: AddressSet = () => true

/** Blocks as their schema accepted them; none lets everybody in. */
export const allowedBy = (allowlist: ReadonlyArray<string>): AddressSet =>
  allowlist.length === 0 ? everybody : addressSet(Result.getOrThrow(readBlocks(allowlist.join(","))))

export const isLoopback: AddressSet = addressSet([
  { address: "127.0.0.0", prefix: 8 },
  { address: "::1", prefix: 128 }
])
