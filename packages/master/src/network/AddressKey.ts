/** By what an address is counted: an IPv4 address by itself, of IPv6 the /64, which is what one customer has. Pure. */
import { isIPv6 } from "node:net"
import { plainAddress } from "./AddressSet.ts"

/** The first four of the eight groups, written out. */
const network = (address: string): string => {
  const [front = "", back] = address.split("::")
  const groups = (text: string) => (text === "" ? [] : text.split(":"))
  const head = groups(front)
  // What ends in an IPv4 address takes two groups for it.
  const tail = groups(back ?? "").flatMap((group) => (group.includes(".") ? ["0", "0"] : [group]))
  const zeros = back === undefined ? [] : Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => "0")
  return [...head, ...zeros, ...tail]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")
}

export const addressKey = (address: string): string => {
  const plain = plainAddress(address)
  return isIPv6(plain) ? `${network(plain)}::/64` : plain
}
