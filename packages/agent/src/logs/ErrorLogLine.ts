/**
 * Reads nginx's error log: one message a line, with what nginx was doing for whom at its end. A line without a time of its own
 * belongs to the message before it. Pure.
 *
 * Source: nginx, `ngx_log_error_core` (time, level, pid, connection) and `ngx_http_log_error_handler` (the rest). nginx escapes
 * nothing there: a client can write what looks like a later field, so fields are hints, and the text is what counts.
 */
import type { ErrorLogEntry } from "@nxmesh/protocol/model/AccessLog"
import { cut, field } from "./LogRecord.ts"

export interface ErrorRecord {
  /** In the local time of the machine, which is all that the log says. */
  readonly localTime: string
  /** nginx's words with what follows them, lines joined. */
  readonly text: string
  readonly entry: ErrorLogEntry
}

const form =
  /^(\d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2}) \[(debug|info|notice|warn|error|crit|alert|emerg)\] (\d+)#\d+: (?:\*(\d+) )?([^]*)$/

/** True for the first line of a message. */
export const beginsMessage = (line: string): boolean => /^\d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2} \[/.test(line)

const named = (text: string, name: string, quoted: boolean): string | null => {
  const value = quoted ? '"(.*?)"(?=, [a-z]+: |$)' : "(.*?)(?=, [a-z]+: |$)"
  return new RegExp(`, ${name}: ${value}`).exec(text)?.[1] ?? null
}

const bounded = (text: string, name: string, charactersMax: number, quoted = false) => {
  const found = named(text, name, quoted)
  return found === null ? null : cut(found, charactersMax)
}

/** `null` for what is no message of nginx's. */
export const parseErrorMessage = (message: string): ErrorRecord | null => {
  const match = form.exec(message)
  if (match === null) return null
  const [, localTime = "", level, pid, connection, text = ""] = match
  return {
    localTime,
    text,
    entry: {
      level: level as ErrorLogEntry["level"],
      pid: Number(pid),
      connection_id: connection === undefined ? null : Number(connection),
      client: bounded(text, "client", 64),
      server: bounded(text, "server", 256),
      request: field(named(text, "request", true) ?? ""),
      upstream: field(named(text, "upstream", true) ?? ""),
      host: bounded(text, "host", 256, true)
    }
  }
}
