import {
  bytesOfAddress,
  isInRange,
  keptOfAddress,
  rangeOfAddress,
  textOfAddress,
  textOfDigits
} from "../../../src/telemetry/accessLogs/ClientAddress.ts"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { expect, test } from "vitest"

const text = (address: string): string | null => {
  const { digits } = keptOfAddress(address, "keep")
  return digits === null ? null : textOfDigits(digits)
}

test("writes every address as it is usually written", () => {
  for (const address of ["10.0.0.7", "255.255.255.255", "::", "::1", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "fe80::"]) {
    expect(text(address)).toBe(address)
  }
  expect(text("2001:DB8:0:0:0:0:0:1")).toBe("2001:db8::1")
  expect(text("::ffff:192.0.2.1")).toBe("192.0.2.1")
})

test("keeps every address the same through its text", () => {
  const random = new SeededRandom(6)
  const below = (bound: number) => random.between(0, bound - 1)
  for (let round = 0; round < 2_000; round++) {
    const length = below(2) === 0 ? 4 : 16
    const address = Array.from({ length }, () => [0, 0, 0, 1, 255][below(5)] ?? 0)
    const read = bytesOfAddress(textOfAddress(Uint8Array.from(address)))
    const isMapped = read?.length === 4 && length === 16
    expect([...(read ?? [])]).toEqual(isMapped ? address.slice(12) : address)
  }
})

test("refuses what is no address and no network", () => {
  for (const wrong of [
    "",
    "unix:",
    "10.0.0",
    "10.0.0.0/33",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "::/129",
    "::/-1",
    "fe80::1%eth0"
  ]) {
    expect(rangeOfAddress(wrong), wrong).toBeNull()
  }
})

test("a network holds its addresses and no others, of its family alone", () => {
  const inside = (address: string, network: string): boolean => {
    const range = rangeOfAddress(network)
    const { digits } = keptOfAddress(address, "keep")
    return range !== null && digits !== null && isInRange(digits, range)
  }
  expect(inside("10.1.2.3", "10.0.0.0/8")).toBe(true)
  expect(inside("11.0.0.0", "10.0.0.0/8")).toBe(false)
  expect(inside("9.255.255.255", "10.0.0.0/8")).toBe(false)
  expect(inside("10.0.0.127", "10.0.0.0/25")).toBe(true)
  expect(inside("10.0.0.128", "10.0.0.0/25")).toBe(false)
  expect(inside("203.0.113.9", "0.0.0.0/0")).toBe(true)
  expect(inside("::1", "0.0.0.0/0")).toBe(false)
  expect(inside("2001:db8:1::5", "2001:db8::/32")).toBe(true)
  expect(inside("2001:db9::", "2001:db8::/32")).toBe(false)
  expect(inside("192.0.2.1", "192.0.2.1")).toBe(true)
})

test("keeps of an address what the installation allows", () => {
  const kept = (address: string, privacy: "keep" | "truncate" | "drop") => {
    const { digits, text: other } = keptOfAddress(address, privacy)
    return digits === null ? other : textOfDigits(digits)
  }
  expect(kept("203.0.113.77", "truncate")).toBe("203.0.113.0")
  expect(kept("2001:db8:1:2::5", "truncate")).toBe("2001:db8:1::")
  expect(kept("203.0.113.77", "drop")).toBeNull()
  expect(kept("unix:", "keep")).toBe("unix:")
  expect(kept("for=203.0.113.77", "truncate")).toBeNull()
})
