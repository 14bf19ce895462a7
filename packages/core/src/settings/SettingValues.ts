/** How the texts of settings are read. Each reader answers the value, or what is allowed, as the end of a sentence. */
import { isIP } from "node:net"
import { isAbsolute, resolve } from "node:path"
import { Result } from "effect"
import type { LogLevel } from "effect"

export type Reader<A> = (text: string) => Result.Result<A, string>

export interface Address {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
}

/** As `host:port`, an IPv6 address in brackets. */
export const addressText = ({ host, port }: Address): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

/** Such an address listens on all of a machine's, and tells nobody where the machine is. */
export const listensEverywhere = ({ host }: Pick<Address, "host">): boolean => host === "0.0.0.0" || host === "::"

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/

export const readHost: Reader<string> = (text) =>
  isIP(text) !== 0 || hostName.test(text) ? Result.succeed(text) : Result.fail("must be a host name or an IP address")

export const readAddress: Reader<Address> = (text) => {
  const allowed = "must be host:port, as in 127.0.0.1:8080 or [::1]:8080, with a port from 0 to 65535"
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535 || Result.isFailure(readHost(host))) return Result.fail(allowed)
  return Result.succeed({ host, port })
}

/** A path made absolute from the working directory. */
export const readPath: Reader<string> = (text) =>
  text !== "" && !text.includes("\0")
    ? Result.succeed(isAbsolute(text) ? text : resolve(text))
    : Result.fail("must be a path of the file system")

export const readBoolean: Reader<boolean> = (text) =>
  text === "true" || text === "false" ? Result.succeed(text === "true") : Result.fail("must be true or false")

/** Base URL of a service that a program asks by HTTP. It is logged, so it must hold no password. */
export const readServiceUrl: Reader<string> = (text) => {
  const url = URL.parse(text)
  const isGood = url !== null && ["http:", "https:"].includes(url.protocol) && url.username === "" && url.hash === ""
  return isGood && url.password === ""
    ? Result.succeed(url.href.replace(/\/+$/, ""))
    : Result.fail("must be an http:// or https:// URL without credentials, as in http://127.0.0.1:4318")
}

/** A part of the whole. */
export const readRatio: Reader<number> = (text) =>
  /^(0|1|[01]?\.[0-9]{1,9})$/.test(text) && Number(text) <= 1
    ? Result.succeed(Number(text))
    : Result.fail("must be a number from 0 to 1, as in 0.1")

const logLevels: ReadonlyMap<string, LogLevel.LogLevel> = new Map([
  ["error", "Error"],
  ["warn", "Warn"],
  ["info", "Info"],
  ["debug", "Debug"],
  ["trace", "Trace"]
])

export const readLogLevel: Reader<LogLevel.LogLevel> = (text) => {
  const level = logLevels.get(text.toLowerCase())
  return level === undefined ? Result.fail("must be error, warn, info, debug or trace") : Result.succeed(level)
}
