/**
 * Whose request it is when proxies stand in front: the first address of the chain, read from this end, that is not a
 * trusted proxy. What stands further left was written by whoever sent it (RFC 7239, section 8.1).
 */
import { BlockList, isIP, isIPv6 } from "node:net"
import type { AddressBlock } from "../SettingValues.ts"

/** A peer on a socket of both families shows its IPv4 address in IPv6 form. */
export const plain = (address: string): string => address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, "")

const familyOf = (address: string) => (isIPv6(address) ? "ipv6" : "ipv4")

/** Proxies may add a port, and brackets to an IPv6 address. */
const addressIn = (text: string): string | null => {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text
  return isIP(bare) === 0 ? null : plain(bare)
}

/** Whether an address, as a socket names its peer, is in one of the blocks. */
export const trustedBy = (trusted: ReadonlyArray<AddressBlock>) => {
  const proxies = new BlockList()
  for (const { address, prefix } of trusted) proxies.addSubnet(address, prefix, familyOf(address))
  return (peer: string): boolean => {
    const address = plain(peer)
    return isIP(address) !== 0 && proxies.check(address, familyOf(address))
  }
}

export const clientAddressBehind = (trusted: ReadonlyArray<AddressBlock>) => {
  const isProxy = trustedBy(trusted)

  /** `forwarded` is the whole X-Forwarded-For, whose lines are joined by commas. */
  return (peer: string, forwarded: string | undefined): string => {
    let client = plain(peer)
    if (!isProxy(client) || forwarded === undefined) return client
    for (const text of forwarded.split(",").toReversed()) {
      const next = addressIn(text.trim())
      if (next === null) return client
      client = next
      if (!isProxy(client)) return client
    }
    return client
  }
}
