/** How the texts of settings are read. Each reader answers the value, or what is allowed, as the end of a sentence. */
import { isIP } from "node:net"
import { isAbsolute, resolve } from "node:path"
import { Email, Password } from "@nxmesh/protocol/model/Text"
import { Redacted, Result, Schema } from "effect"
import type { LogLevel } from "effect"

export interface Address {
  readonly host: string
  /** 0 lets the system choose. */
  readonly port: number
}

/** As `host:port`, an IPv6 address in brackets. */
export const addressText = ({ host, port }: Address): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

const hostName =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/

export const readHost = (text: string): Result.Result<string, string> =>
  isIP(text) !== 0 || hostName.test(text) ? Result.succeed(text) : Result.fail("must be a host name or an IP address")

export const readAddress = (text: string): Result.Result<Address, string> => {
  const allowed = "must be host:port, as in 127.0.0.1:8080 or [::1]:8080, with a port from 0 to 65535"
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535 || Result.isFailure(readHost(host))) return Result.fail(allowed)
  return Result.succeed({ host, port })
}

export const readPath = (text: string): Result.Result<string, string> =>
  text !== "" && !text.includes("\0")
    ? Result.succeed(isAbsolute(text) ? text : resolve(text))
    : Result.fail("must be a path of the file system")

export const readEmail = (text: string): Result.Result<string, string> =>
  Schema.is(Email)(text) ? Result.succeed(text) : Result.fail("must be an email address")

export const readPassword = (text: string): Result.Result<Redacted.Redacted<string>, string> =>
  Schema.is(Password)(text) ? Result.succeed(Redacted.make(text)) : Result.fail("must have 12 to 256 characters")

const logLevels: Readonly<Record<string, LogLevel.LogLevel>> = {
  error: "Error",
  warn: "Warn",
  info: "Info",
  debug: "Debug",
  trace: "Trace"
}

export const readLogLevel = (text: string): Result.Result<LogLevel.LogLevel, string> => {
  const level = logLevels[text.toLowerCase()]
  return level === undefined ? Result.fail("must be error, warn, info, debug or trace") : Result.succeed(level)
}
