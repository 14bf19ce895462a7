/**
 * What nginx says on standard error and in its error log, and which resource it is about.
 *
 * Source: nginx, `ngx_log.c` (the form of a line), `ngx_conf_file.c` ("in file:line").
 */
import type { ResourceReference } from "@nxmesh/protocol/model/ResourceKind"
import type { RenderedTree } from "./Render.ts"

export type ErrorLevel = "debug" | "info" | "notice" | "warn" | "error" | "crit" | "alert" | "emerg"

export interface ErrorLine {
  readonly level: ErrorLevel
  /** nginx's own words, without time and process and without the place. */
  readonly message: string
  /** Path as nginx wrote it; `null` when the line names none. */
  readonly file: string | null
  readonly line: number | null
  /** Process that wrote it; `null` on standard error without a time. */
  readonly pid: number | null
}

const form =
  /^(?:nginx: |\d{4}\/\d{2}\/\d{2} \d{2}:\d{2}:\d{2} )\[(debug|info|notice|warn|error|crit|alert|emerg)\] (?:(\d+)#\d+: (?:\*\d+ )?)?(.*)$/
const place = /^(.*) in (\/.*):(\d+)$/

/** One line of output; `null` when it is not a message with a level. */
export const parseErrorLine = (text: string): ErrorLine | null => {
  const match = form.exec(text.trimEnd())
  if (match === null) return null
  const [, level, pid, rest = ""] = match
  const at = place.exec(rest)
  return {
    level: level as ErrorLevel,
    message: at?.[1] ?? rest,
    file: at?.[2] ?? quotedPath(rest),
    line: at === null ? null : Number(at[3]),
    pid: pid === undefined ? null : Number(pid)
  }
}

/** `cannot load certificate "/path"` and its like name a file without a line. */
const quotedPath = (message: string): string | null => /"(\/[^"]+)"/.exec(message)?.[1] ?? null

/**
 * nginx often says one thing twice, once for standard error and once for the log: a repeated message counts once.
 */
export const parseErrors = (output: string): ReadonlyArray<ErrorLine> => {
  const seen = new Set<string>()
  const lines: Array<ErrorLine> = []
  for (const text of output.split("\n")) {
    const line = parseErrorLine(text)
    if (line === null) continue
    const key = `${line.level} ${line.message} ${line.file} ${line.line}`
    if (seen.has(key)) continue
    seen.add(key)
    lines.push(line)
  }
  return lines
}

/** Warnings that mean that some host is not served as it was written. nginx itself goes on. */
const fatalWarnings: ReadonlyArray<RegExp> = [/^conflicting server name /]

/** Whether a line fails a deployment. Warnings about hash sizes or address bits do not. */
export const isFatal = (line: ErrorLine): boolean => {
  if (line.level === "emerg" || line.level === "alert" || line.level === "crit") return true
  return line.level === "warn" && fatalWarnings.some((pattern) => pattern.test(line.message))
}

/** The first line that fails a deployment: an error before a warning. `null` when there is none. */
export const firstFatal = (lines: ReadonlyArray<ErrorLine>): ErrorLine | null =>
  lines.find((line) => line.level !== "warn" && isFatal(line)) ?? lines.find(isFatal) ?? null

const namesHost = (line: ErrorLine, content: string): boolean => {
  const name = /^conflicting server name "([^"]*)"/.exec(line.message)?.[1]
  return name !== undefined && new RegExp(`server_name [^;]*${escaped(name)}[ ;]`).test(content)
}
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/**
 * The resource whose file a line is about. Paths are compared by their end, because a staged tree may be read under
 * another directory. A conflict of server names has no file: the last host with that name is the one nginx ignores.
 */
export const resourceOf = (line: ErrorLine, tree: RenderedTree): ResourceReference | null => {
  const { file } = line
  if (file !== null) return tree.files.find(({ path }) => file.endsWith(`/${path}`))?.resource ?? null
  return tree.files.findLast(({ content, resource }) => resource !== null && namesHost(line, content))?.resource ?? null
}
