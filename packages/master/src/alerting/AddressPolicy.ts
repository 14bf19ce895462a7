/**
 * Which addresses a webhook may reach. Whoever may write a webhook could otherwise have the masters call what only they can
 * reach (server-side request forgery): other services of the machine, metadata of a cloud, hosts of the private network. Pure.
 */
import { BlockList, isIPv4, isIPv6 } from "node:net"

export interface AddressRange {
  readonly address: string
  readonly prefix: number
}

const listOf = (ranges: ReadonlyArray<AddressRange>): BlockList => {
  const list = new BlockList()
  for (const { address, prefix } of ranges) list.addSubnet(address, prefix, isIPv6(address) ? "ipv6" : "ipv4")
  return list
}

const range = (text: string): AddressRange => {
  const [address = "", prefix = ""] = text.split("/")
  return { address, prefix: Number(prefix) }
}

/** Not on the public internet, by IANA's registries of special-purpose addresses (RFC 6890). */
const special = listOf(
  [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "::1/128",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8"
  ].map(range)
)

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

const has = (list: BlockList, address: string): boolean => list.check(address, isIPv6(address) ? "ipv6" : "ipv4")

/** @param allowed ranges that the operator opened */
export const makeAddressPolicy = (allowed: ReadonlyArray<AddressRange>): ((address: string) => boolean) => {
  const opened = listOf(allowed)
  return (address) => {
    // An IPv4 address in IPv6 clothes is that IPv4 address.
    const plain = mapped.exec(address)?.[1] ?? address
    if (!isIPv4(plain) && !isIPv6(plain)) return false
    return has(opened, plain) || !has(special, plain)
  }
}
