/** How the texts of the master's own settings are read. */
import type { Reader } from "@nxmesh/core/settings/SettingValues"
import { isIP } from "node:net"
import { Email, Password } from "@nxmesh/protocol/model/Text"
import { Redacted, Result, Schema } from "effect"

export const readEmail: Reader<string> = (text) =>
  Schema.is(Email)(text) ? Result.succeed(text) : Result.fail("must be an email address")

export const readPassword: Reader<Redacted.Redacted<string>> = (text) =>
  Schema.is(Password)(text) ? Result.succeed(Redacted.make(text)) : Result.fail("must have 12 to 256 characters")

export interface AddressBlock {
  readonly address: string
  /** Leading bits that count: all of them for a single address. */
  readonly prefix: number
}

const readBlock = (text: string): AddressBlock | null => {
  const [address = "", prefix, ...more] = text.split("/")
  const family = isIP(address)
  const bits = family === 6 ? 128 : 32
  if (family === 0 || more.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return null
  const length = prefix === undefined ? bits : Number(prefix)
  return length > bits ? null : { address, prefix: length }
}

/** Addresses and CIDR blocks, comma-separated. */
export const readBlocks: Reader<ReadonlyArray<AddressBlock>> = (text) => {
  const blocks: Array<AddressBlock> = []
  for (const part of text.split(",").map((each) => each.trim())) {
    const block = part === "" ? undefined : readBlock(part)
    if (block === null) return Result.fail("must be IP addresses or CIDR blocks, comma-separated, as in 10.0.0.0/8,::1")
    if (block !== undefined) blocks.push(block)
  }
  return Result.succeed(blocks)
}
