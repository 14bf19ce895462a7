/**
 * Who may knock at the installation's doors, and how often (SF-003). An allowlist without entries lets everybody knock: who
 * gets in, authentication decides.
 */
import { Schema } from "effect"
import { Limits } from "../Limits.ts"
import { AddressBlock } from "./NginxText.ts"

/** Blocks of addresses, IPv4 and IPv6. Empty: every address. */
export const Allowlist = Schema.Array(AddressBlock).check(
  Schema.makeFilter((blocks) =>
    blocks.length > Limits.allowlistBlocksMax ? `must have at most ${Limits.allowlistBlocksMax} blocks` : undefined
  )
)
export type Allowlist = typeof Allowlist.Type

/**
 * What requests are limited by: `read` and `write` by their method; `login`, everything that shows a password or a refresh token;
 * `expensive`, what takes a processor or an agent for long: backups, exports, searches, previews, preflights.
 */
export const RequestClass = Schema.Literals(["read", "write", "login", "expensive"])
export type RequestClass = typeof RequestClass.Type

/** A bucket of `burst` requests that fills again by so many a second. */
export const RateLimit = Schema.Struct({
  per_second: Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 100_000 })),
  burst: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))
}).annotate({ identifier: "RateLimit" })
export type RateLimit = typeof RateLimit.Type

const classes = { read: RateLimit, write: RateLimit, login: RateLimit, expensive: RateLimit }

export const RateLimits = Schema.Struct({
  enabled: Schema.Boolean,
  /** Of one user or service account, wherever the requests come from. */
  principal: Schema.Struct(classes),
  /** Of one IPv4 address or one /64 of IPv6, whoever asks: many people may be behind one. */
  address: Schema.Struct(classes)
}).annotate({ identifier: "RateLimits" })
export type RateLimits = typeof RateLimits.Type

export const networkSettingsFields = {
  /** Who may use the API and the console. The machine of a master itself always may. */
  api_allowlist: Allowlist,
  /** From where agents may connect. Masters always may. */
  agent_allowlist: Allowlist,
  rate_limits: RateLimits
}

export const NetworkSettings = Schema.Struct(networkSettingsFields).annotate({ identifier: "NetworkSettings" })
export type NetworkSettings = typeof NetworkSettings.Type

/** Far above what a console or a tool that applies thousands of resources asks, far below what hurts a master. */
export const networkSettingsDefault: NetworkSettings = {
  api_allowlist: [],
  agent_allowlist: [],
  rate_limits: {
    enabled: true,
    principal: {
      read: { per_second: 1_000, burst: 10_000 },
      write: { per_second: 500, burst: 10_000 },
      login: { per_second: 2, burst: 60 },
      expensive: { per_second: 20, burst: 400 }
    },
    address: {
      read: { per_second: 2_000, burst: 20_000 },
      write: { per_second: 1_000, burst: 20_000 },
      login: { per_second: 2, burst: 60 },
      expensive: { per_second: 40, burst: 800 }
    }
  }
}
