/** How the texts of settings are read. Each reader answers the value, or what is allowed, as the end of a sentence. */
import { isAbsolute } from "node:path"
import { DeploymentMode } from "@nxmesh/protocol/model/Agent"
import { Labels } from "@nxmesh/protocol/model/Text"
import { type LogLevel, Redacted, Result, Schema } from "effect"
import { Limits } from "./Limits.ts"

export type Reader<A> = (text: string) => Result.Result<A, string>

/** Paths reach nginx.conf, where a space would end an argument and the rest would be syntax. */
export const readPath: Reader<string> = (text) =>
  isAbsolute(text) && /^[^\s"';{}\\$#\0]+$/.test(text)
    ? Result.succeed(text.length > 1 ? text.replace(/\/+$/, "") : text)
    : Result.fail("must be an absolute path without spaces, quotes, ; { } $ # or \\")

/** A directory whose socket must fit the address of a unix socket. */
export const readRuntimeDirectory: Reader<string> = (text) =>
  Result.flatMap(readPath(text), (path) =>
    Buffer.byteLength(`${path}/proof.sock`) <= Limits.socketPathBytesMax
      ? Result.succeed(path)
      : Result.fail(
          `must be short enough for a socket in it: at most ${Limits.socketPathBytesMax} bytes with /proof.sock`
        )
  )

const isMasterUrl = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && ["wss:", "https:"].includes(url.protocol) && url.username === "" && url.hash === ""
}

export const readMasterUrls: Reader<ReadonlyArray<string>> = (text) => {
  const urls = text.split(",").map((url) => url.trim())
  return urls.every(isMasterUrl)
    ? Result.succeed(urls)
    : Result.fail("must be one or several wss:// URLs, comma-separated, as in wss://master.example:8443")
}

export const readToken: Reader<Redacted.Redacted<string>> = (text) =>
  /^\S{16,512}$/.test(text) ? Result.succeed(Redacted.make(text)) : Result.fail("must be an enrolment token")

/** SHA-256 in hexadecimal, with or without colons. */
export const readFingerprint: Reader<string> = (text) => {
  const plain = text
    .replace(/^sha256:/i, "")
    .replaceAll(":", "")
    .toLowerCase()
  return /^[0-9a-f]{64}$/.test(plain)
    ? Result.succeed(plain)
    : Result.fail("must be the SHA-256 fingerprint of the cluster's CA: 64 hexadecimal digits")
}

export const readDeploymentMode: Reader<DeploymentMode> = (text) =>
  Schema.is(DeploymentMode)(text) ? Result.succeed(text) : Result.fail(`must be ${DeploymentMode.literals.join(", ")}`)

export const readLabels: Reader<Labels> = (text) => {
  const pairs = text.split(",").flatMap((pair) => (pair.trim() === "" ? [] : [pair.trim().split("=")]))
  const labels = Object.fromEntries(pairs.map(([key = "", ...rest]) => [key, rest.join("=")]))
  return pairs.every((pair) => pair.length === 2) && Schema.is(Labels)(labels)
    ? Result.succeed(labels)
    : Result.fail("must be key=value pairs, comma-separated, as in env=prod,tier=edge")
}

export const readAddress: Reader<{ readonly host: string; readonly port: number }> = (text) => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  return host === undefined || Number(match?.[3]) > 65_535
    ? Result.fail("must be host:port, as in 127.0.0.1:9113")
    : Result.succeed({ host, port: Number(match?.[3]) })
}

export const readBoolean: Reader<boolean> = (text) =>
  text === "true" || text === "false" ? Result.succeed(text === "true") : Result.fail("must be true or false")

const logLevels: Readonly<Record<string, LogLevel.LogLevel>> = {
  error: "Error",
  warn: "Warn",
  info: "Info",
  debug: "Debug",
  trace: "Trace"
}

export const readLogLevel: Reader<LogLevel.LogLevel> = (text) => {
  const level = logLevels[text.toLowerCase()]
  return level === undefined ? Result.fail("must be error, warn, info, debug or trace") : Result.succeed(level)
}
