/** What nginx says is wrong, from its standard error or its error log, and whether that stops a deployment. */

export interface Complaint {
  readonly level: "warn" | "error" | "crit" | "alert" | "emerg"
  readonly message: string
  readonly file: string | null
  readonly line: number | null
}

const shape =
  /^(?:nginx: |\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d )\[(warn|error|crit|alert|emerg)\] (?:(\d+)#\d+: )?(?:\*\d+ )?(.*)$/
const place = / in (\/\S[^:]*):(\d+)$/

const parseLine = (text: string): (Complaint & { readonly pid: number | null }) | null => {
  const match = shape.exec(text)
  if (match === null) return null
  const [, level, pid, rest = ""] = match
  const at = place.exec(rest)
  return {
    level: level as Complaint["level"],
    message: rest,
    file: at?.[1] ?? null,
    line: at?.[2] === undefined ? null : Number(at[2]),
    pid: pid === undefined ? null : Number(pid)
  }
}

/** Every complaint in a text. With a `pid`, only that process's: the error log belongs to the workers too. */
export const complaintsIn = (text: string, pid?: number): ReadonlyArray<Complaint> =>
  text.split("\n").flatMap((line) => {
    const parsed = parseLine(line)
    if (parsed === null || (pid !== undefined && parsed.pid !== pid)) return []
    const { level, message, file, line: number } = parsed
    return [{ level, message, file, line: number }]
  })

/** The server name that a `conflicting server name` warning is about. nginx only warns, and serves one of the two. */
export const conflictingName = (complaint: Complaint): string | null =>
  /^conflicting server name "([^"]*)" on /.exec(complaint.message)?.[1] ?? null

/**
 * The complaint by which a reload failed, or `null` while none is final. `bind()` is tried five times, half a second
 * apart, and the last word on it is "still could not bind()"; the first attempts name the address, so their text is kept.
 */
export const reloadFailure = (complaints: ReadonlyArray<Complaint>): Complaint | null => {
  const fatal = complaints.filter(({ level }) => level === "emerg")
  const isTry = ({ message }: Complaint) => message.startsWith("bind() to ")
  const last = fatal.find((complaint) => !isTry(complaint))
  if (last === undefined) return null
  return last.message.startsWith("still could not bind()") ? (fatal.find(isTry) ?? last) : last
}
