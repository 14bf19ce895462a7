/** How the texts of the agent's own settings are read. */
import { isAbsolute } from "node:path"
import { parseFingerprint } from "@nxmesh/core/crypto/Fingerprint"
import type { Reader } from "@nxmesh/core/settings/SettingValues"
import { DeploymentMode } from "@nxmesh/protocol/model/Agent"
import { Labels } from "@nxmesh/protocol/model/Text"
import { Redacted, Result, Schema } from "effect"
import { Limits } from "./Limits.ts"

/** Paths reach nginx.conf, where a space would end an argument and the rest would be syntax. */
export const readNginxPath: Reader<string> = (text) =>
  isAbsolute(text) && /^[^\s"';{}\\$#\0]+$/.test(text)
    ? Result.succeed(text.length > 1 ? text.replace(/\/+$/, "") : text)
    : Result.fail("must be an absolute path without spaces, quotes, ; { } $ # or \\")

/** A directory whose socket must fit the address of a unix socket. */
export const readRuntimeDirectory: Reader<string> = (text) =>
  Result.flatMap(readNginxPath(text), (path) =>
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

/** Asked by the agent itself: it holds no credentials. */
export const readHealthUrl: Reader<string> = (text) => {
  const url = URL.parse(text)
  const isGood = url !== null && ["http:", "https:"].includes(url.protocol) && url.username === "" && url.hash === ""
  return isGood
    ? Result.succeed(url.href)
    : Result.fail("must be an http:// or https:// URL, as in http://127.0.0.1/healthz")
}

export const readToken: Reader<Redacted.Redacted<string>> = (text) =>
  /^\S{16,512}$/.test(text) ? Result.succeed(Redacted.make(text)) : Result.fail("must be an enrolment token")

export const readFingerprint: Reader<string> = (text) => {
  const fingerprint = parseFingerprint(text)
  return fingerprint === undefined
    ? Result.fail("must be the SHA-256 fingerprint of the cluster's CA: 64 hexadecimal digits")
    : Result.succeed(fingerprint)
}

export const readDeploymentMode: Reader<DeploymentMode> = (text) =>
  Schema.is(DeploymentMode)(text) ? Result.succeed(text) : Result.fail(`must be ${DeploymentMode.literals.join(", ")}`)

export const readMegabytes: Reader<number> = (text) => {
  const megabytes = Number(text)
  return /^[0-9]{1,5}$/.test(text) && megabytes >= 1 && megabytes <= Limits.outboxMegabytesMax
    ? Result.succeed(megabytes)
    : Result.fail(`must be a whole number of MiB from 1 to ${Limits.outboxMegabytesMax}`)
}

export const readLabels: Reader<Labels> = (text) => {
  const pairs = text.split(",").flatMap((pair) => (pair.trim() === "" ? [] : [pair.trim().split("=")]))
  const labels = Object.fromEntries(pairs.map(([key = "", ...rest]) => [key, rest.join("=")]))
  return pairs.every((pair) => pair.length === 2) && Schema.is(Labels)(labels)
    ? Result.succeed(labels)
    : Result.fail("must be key=value pairs, comma-separated, as in env=prod,tier=edge")
}

/** systemd.unit(5): names of services, without a path and without what an option begins with. */
export const readUnit: Reader<string> = (text) =>
  /^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*$/.test(text) && text.length <= 255
    ? Result.succeed(text.includes(".") ? text : `${text}.service`)
    : Result.fail("must be the name of a systemd unit, as in nginx.service")

/** A log that other configuration has nginx write, as the agent's paths name it. */
export interface LogFile {
  readonly path: string
  /** json: with the keys of the agent's own access log. */
  readonly format: LogFormat
}
export const logFormats = ["combined", "json", "error"] as const
export type LogFormat = (typeof logFormats)[number]

const logFile = (text: string): LogFile | null => {
  const [, path = "", format = ""] = /^(\/[^:,\0]+):([a-z]+)$/.exec(text.trim()) ?? []
  const known = logFormats.find((one) => one === format)
  return known === undefined ? null : { path, format: known }
}

export const readLogFiles: Reader<ReadonlyArray<LogFile>> = (text) => {
  const files = text.split(",").flatMap((one) => (one.trim() === "" ? [] : [logFile(one)]))
  const good = files.filter((file) => file !== null)
  return good.length === files.length && good.length <= Limits.logFilesMax
    ? Result.succeed(good)
    : Result.fail(
        `must be at most ${Limits.logFilesMax} of path:format, comma-separated, with the format ${logFormats.join(", ")}, as in /var/log/nginx/access.log:combined`
      )
}
