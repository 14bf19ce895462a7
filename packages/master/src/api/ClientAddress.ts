/**
 * Whose request it is when proxies stand in front: the first address of the chain, read from this end, that is not a
 * trusted proxy. What stands further left was written by whoever sent it (RFC 7239, section 8.1).
 */
import { isIP } from "node:net"
import { addressSet, plainAddress } from "../network/AddressSet.ts"
import type { AddressBlock } from "../SettingValues.ts"

/** Proxies may add a port, and brackets to an IPv6 address. */
const addressIn = (text: string): string | null => {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text
  return isIP(bare) === 0 ? null : plainAddress(bare)
}

export const clientAddressBehind = (trusted: ReadonlyArray<AddressBlock>) => {
  const isProxy = addressSet(trusted)

  /** `forwarded` is the whole X-Forwarded-For, whose lines are joined by commas. */
  return (peer: string, forwarded: string | undefined): string => {
    let client = plainAddress(peer)
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
