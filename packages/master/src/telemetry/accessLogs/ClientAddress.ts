/** A client's address as hexadecimal digits of its bytes, so that a network is a range of them; and what a privacy setting leaves of it. Pure. */
import { isIPv4, isIPv6 } from "node:net"

export const addressPrivacies = ["keep", "truncate", "drop"] as const

/**
 * What is kept of clients' addresses: all, the network (24 bits of IPv4, 48 of IPv6, as web analytics truncate them), or
 * nothing.
 */
export type AddressPrivacy = (typeof addressPrivacies)[number]

const bytesOfIPv4 = (text: string): Uint8Array => Uint8Array.from(text.split("."), Number)

const groupsOf = (text: string): ReadonlyArray<number> =>
  text === ""
    ? []
    : text.split(":").flatMap((group) => {
        if (!group.includes(".")) return [Number.parseInt(group, 16)]
        const [a = 0, b = 0, c = 0, d = 0] = bytesOfIPv4(group)
        return [a * 256 + b, c * 256 + d]
      })

const bytesOfIPv6 = (text: string): Uint8Array => {
  const [head, tail] = text.split("::") as [string, string?]
  const first = groupsOf(head)
  const last = tail === undefined ? [] : groupsOf(tail)
  const zeros = Array.from({ length: 8 - first.length - last.length }, () => 0)
  const groups = [...first, ...zeros, ...last]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]))
}

/** 4 or 16 bytes; `null` for what is no address, as `unix:`. IPv4 within IPv6 is IPv4. */
export const bytesOfAddress = (text: string): Uint8Array | null => {
  if (isIPv4(text)) return bytesOfIPv4(text)
  if (!isIPv6(text) || text.includes("%")) return null
  const bytes = bytesOfIPv6(text)
  const isMapped = bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255
  return isMapped ? bytes.slice(12) : bytes
}

/** The form of RFC 5952: lower case, the longest run of zeros left out. */
const textOfIPv6 = (bytes: Uint8Array): string => {
  const groups = Array.from({ length: 8 }, (_, index) => (bytes[2 * index] ?? 0) * 256 + (bytes[2 * index + 1] ?? 0))
  const text = groups.map((group) => group.toString(16)).join(":")
  const runs = text.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? []
  const longest = runs.reduce((best, run) => (run.split(":0").length > best.split(":0").length ? run : best), "")
  if (longest === "") return text
  const shortened = text.replace(longest, ":")
  return shortened.startsWith(":") && !shortened.startsWith("::")
    ? `:${shortened}`
    : shortened.endsWith(":") && !shortened.endsWith("::")
      ? `${shortened}:`
      : shortened
}

export const textOfAddress = (bytes: Uint8Array): string => (bytes.length === 4 ? bytes.join(".") : textOfIPv6(bytes))

const withBits = (bytes: Uint8Array, bits: number, filler: 0 | 1): Uint8Array =>
  bytes.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - 8 * index))
    const mask = (0xff << (8 - kept)) & 0xff
    return filler === 0 ? byte & mask : byte | (~mask & 0xff)
  })

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))
const digitsOf = (bytes: Uint8Array): string => bytes.reduce((text, byte) => text + (digits[byte] ?? ""), "")

export const textOfDigits = (digits: string): string => textOfAddress(Buffer.from(digits, "hex"))

/** The first and the last address of a network, or one address twice, in digits: 8 of IPv4, 32 of IPv6. */
export interface AddressRange {
  readonly first: string
  readonly last: string
}

/** `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`; `null` for what is neither. */
export const rangeOfAddress = (text: string): AddressRange | null => {
  const [address = "", prefix, rest] = text.split("/")
  const bytes = bytesOfAddress(address)
  if (bytes === null || rest !== undefined) return null
  if (prefix === undefined) return { first: digitsOf(bytes), last: digitsOf(bytes) }
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if (!(bits <= 8 * bytes.length)) return null
  return { first: digitsOf(withBits(bytes, bits, 0)), last: digitsOf(withBits(bytes, bits, 1)) }
}

export const isInRange = (digits: string, { first, last }: AddressRange): boolean =>
  digits.length === first.length && digits >= first && digits <= last

/** Digits, or the text of what is no address; both `null` where nothing is kept. */
export const keptOfAddress = (
  text: string,
  privacy: AddressPrivacy
): { readonly digits: string | null; readonly text: string | null } => {
  if (privacy === "drop" || text === "") return { digits: null, text: null }
  const bytes = bytesOfAddress(text)
  // Not an address: `unix:`, or what a proxy wrote there, which may hold one.
  if (bytes === null) return { digits: null, text: privacy === "keep" ? text : null }
  const kept = privacy === "keep" ? bytes : withBits(bytes, bytes.length === 4 ? 24 : 48, 0)
  return { digits: digitsOf(kept), text: null }
}
