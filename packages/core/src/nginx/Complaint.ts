/** What nginx says is wrong, and whether that stops a deployment. The form of its lines is core's to read. */
import { type ErrorLine, parseErrors } from "./ErrorLine.ts"

export type Complaint = ErrorLine

const complaining = new Set(["warn", "error", "crit", "alert", "emerg"])

/** Every complaint in a text, each once. With a `pid`, only that process's: the error log belongs to the workers too. */
export const complaintsIn = (text: string, pid?: number): ReadonlyArray<Complaint> =>
  parseErrors(text).filter((line) => complaining.has(line.level) && (pid === undefined || line.pid === pid))

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
