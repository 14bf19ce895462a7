/** How the texts of the master's own settings are read. */
import { type Address, readAddress, type Reader } from "@nxmesh/core/settings/SettingValues"
import { isIP } from "node:net"
import { Email, Password } from "@nxmesh/protocol/model/Text"
import { Duration, Redacted, Result, Schema } from "effect"
import { Limits } from "./Limits.ts"

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

/** `host:port`, comma-separated. */
export const readAddresses: Reader<ReadonlyArray<Address>> = (text) => {
  const addresses: Array<Address> = []
  for (const part of text.split(",").map((each) => each.trim())) {
    if (part === "") continue
    const address = readAddress(part)
    if (Result.isFailure(address) || address.success.port === 0) {
      return Result.fail("must be host:port, comma-separated, as in master-1.example.com:8443,10.0.0.2:8443")
    }
    addresses.push(address.success)
  }
  return Result.succeed(addresses)
}

export const readMegabytes: Reader<number> = (text) => {
  const { megabytesMax } = Limits.telemetry
  const megabytes = Number(text)
  return /^[0-9]{1,7}$/.test(text) && megabytes >= 1 && megabytes <= megabytesMax
    ? Result.succeed(megabytes)
    : Result.fail(`must be a whole number of MiB from 1 to ${megabytesMax}`)
}

const durationUnits: ReadonlyMap<string, (count: number) => Duration.Duration> = new Map([
  ["s", Duration.seconds],
  ["m", Duration.minutes],
  ["h", Duration.hours],
  ["d", Duration.days]
])

/** Of seconds to days, from one second to thirty days. */
export const readDuration: Reader<Duration.Duration> = (text) => {
  const [, count, unit = ""] = /^(\d{1,7})([smhd])$/.exec(text) ?? []
  const duration = durationUnits.get(unit)?.(Number(count))
  return duration !== undefined &&
    Duration.between(duration, { minimum: Duration.seconds(1), maximum: Duration.days(30) })
    ? Result.succeed(duration)
    : Result.fail("must be a number with s, m, h or d, from 1s to 30d, as in 60s or 24h")
}

const joinToken = /^nxj1\.[0-9a-f]{64}\.[A-Za-z0-9_-]{20,200}$/

/** Fingerprint of the cluster's authority, and the secret. */
export const readJoinToken: Reader<Redacted.Redacted<string>> = (text) =>
  joinToken.test(text)
    ? Result.succeed(Redacted.make(text))
    : Result.fail("must be a join token as the cluster answered it: nxj1., 64 hexadecimal digits, a dot and the secret")

export type ClusterUpgrade = "auto" | "manual"

export const readClusterUpgrade: Reader<ClusterUpgrade> = (text) =>
  text === "auto" || text === "manual" ? Result.succeed(text) : Result.fail("must be auto or manual")

export const readBootstrapExpect: Reader<number> = (text) => {
  const count = Number(text)
  return /^\d{1,2}$/.test(text) && count >= 1 && count <= Limits.state.mastersMax
    ? Result.succeed(count)
    : Result.fail(`must be a number of masters from 1 to ${Limits.state.mastersMax}`)
}

/** With user and password where Postgres asks for them; the path names the database. */
export const readDatabaseUrl: Reader<Redacted.Redacted<string>> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : null
  return url !== null && /^postgres(ql)?:$/.test(url.protocol) && url.hostname !== ""
    ? Result.succeed(Redacted.make(text))
    : Result.fail(
        "must be a URL of Postgres, as in postgres://user:password@db.example.com:5432/nxmesh?sslmode=require"
      )
}

/** With user and password where Redis asks for them; a path is the database's number. */
export const readRedisUrl: Reader<Redacted.Redacted<string>> = (text) => {
  const url = URL.canParse(text) ? new URL(text) : null
  const isOne =
    url !== null && /^rediss?:$/.test(url.protocol) && url.hostname !== "" && /^(\/\d{0,4})?$/.test(url.pathname)
  return isOne
    ? Result.succeed(Redacted.make(text))
    : Result.fail("must be a URL of Redis, as in redis://user:password@redis.example.com:6379/0, or rediss:// for TLS")
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3"

export const readTlsVersion: Reader<TlsVersion> = (text) =>
  text === "1.2" || text === "1.3" ? Result.succeed(`TLSv${text}` as const) : Result.fail("must be 1.2 or 1.3")
