/** Lines of a log as the wire carries them, and what they are counted as. Pure. */
import type { LogLine } from "@nxmesh/protocol/link/Report"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import { DateTime, Option } from "effect"
import { Limits } from "../Limits.ts"
import type { LogFormat } from "../SettingValues.ts"
import { type AccessHost, type AccessHosts, hostOf, locationOf } from "./AccessHosts.ts"
import { parseCombined } from "./CombinedLine.ts"
import { beginsMessage, parseErrorMessage } from "./ErrorLogLine.ts"
import { parseJsonAccess } from "./JsonAccessLine.ts"
import { type AccessRecord, cut } from "./LogRecord.ts"
import { isSampled } from "./Sampling.ts"

const iso = (millis: number): string => DateTime.formatIso(DateTime.makeUnsafe(millis))

export interface Request {
  readonly record: AccessRecord
  /** `null`: not one of NxMesh's, or not known. */
  readonly host: AccessHost | null
  readonly location: string | null
}

export interface Read {
  readonly requests: ReadonlyArray<Request>
  readonly lines: ReadonlyArray<LogLine>
  readonly sampledOut: number
  /** Lines that are not of the format: shipped as they are. */
  readonly unparsed: number
}

const requestOf = (record: AccessRecord, hosts: AccessHosts): Request => {
  const host = hostOf(hosts, record.serverName, record.serverPort)
  return { record, host, location: host === null ? null : locationOf(host, record.entry.uri) }
}

const requestLine = ({ host, location, record }: Request): LogLine => ({
  timestamp: iso(record.atMillis),
  source: "access",
  text: "",
  access: {
    ...record.entry,
    ...(host === null ? {} : { virtual_host_id: host.id }),
    ...(location === null ? {} : { location })
  }
})

const rawLine = (source: LogLine["source"], text: string, nowMillis: number): LogLine => ({
  timestamp: iso(nowMillis),
  source,
  text: cut(text, WireLimits.logTextCharactersMax)
})

export interface AccessReading {
  readonly format: Exclude<LogFormat, "error">
  readonly hosts: AccessHosts
  readonly sampleRatio: number
  readonly nowMillis: number
}

/** Every request is counted; those of the sample are shipped. */
export const readAccess = (
  lines: ReadonlyArray<string>,
  { format, hosts, nowMillis, sampleRatio }: AccessReading
): Read => {
  const requests: Array<Request> = []
  const shipped: Array<LogLine> = []
  let [sampledOut, unparsed] = [0, 0]
  for (const line of lines) {
    if (line === "") continue
    const record = format === "json" ? parseJsonAccess(line) : parseCombined(line)
    const request = record === null ? null : requestOf(record, hosts)
    if (request === null) unparsed += 1
    else requests.push(request)
    const entry = request?.record.entry ?? null
    if (!isSampled(sampleRatio, entry?.status ?? null, entry?.request_id ?? line)) sampledOut += 1
    else shipped.push(request === null ? rawLine("access", line, nowMillis) : requestLine(request))
  }
  return { requests, lines: shipped, sampledOut, unparsed }
}

/** Joins the lines of one message. */
export const messagesOf = (lines: ReadonlyArray<string>): ReadonlyArray<string> => {
  const messages: Array<Array<string>> = []
  for (const line of lines) {
    const before = messages.at(-1)
    if (before === undefined || beginsMessage(line)) messages.push([line])
    else if (before.length < Limits.errorMessageLinesMax && line !== "") before.push(line)
  }
  return messages.map((parts) => parts.join("\n")).filter((message) => message !== "")
}

const zone = DateTime.zoneMakeLocal()

/** The machine's local time as nginx writes it; what cannot be read counts as now. */
const instant = (localTime: string, nowMillis: number): string => {
  const written = DateTime.makeZoned(localTime.replaceAll("/", "-").replace(" ", "T").concat("Z"), {
    timeZone: zone,
    adjustForTimeZone: true
  })
  return Option.match(written, { onNone: () => iso(nowMillis), onSome: (at) => DateTime.formatIso(DateTime.toUtc(at)) })
}

/** Messages below `notice` are nginx's debugging and stay where they are. */
const shippedLevels = new Set(["notice", "warn", "error", "crit", "alert", "emerg"])

export const readErrors = (lines: ReadonlyArray<string>, nowMillis: number): Read => {
  const shipped: Array<LogLine> = []
  let [sampledOut, unparsed] = [0, 0]
  for (const message of messagesOf(lines)) {
    const record = parseErrorMessage(message)
    if (record === null) {
      unparsed += 1
      shipped.push(rawLine("error", message, nowMillis))
    } else if (!shippedLevels.has(record.entry.level)) sampledOut += 1
    else {
      shipped.push({
        timestamp: instant(record.localTime, nowMillis),
        source: "error",
        text: cut(record.text, WireLimits.logTextCharactersMax),
        error: record.entry
      })
    }
  }
  return { requests: [], lines: shipped, sampledOut, unparsed }
}
