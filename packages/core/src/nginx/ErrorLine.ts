/**
 * What nginx says on standard error and in its error log.
 *
 * Source: nginx, `ngx_log.c` (the form of a line), `ngx_conf_file.c` ("in file:line").
 */

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
