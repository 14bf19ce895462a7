/**
 * A place in a list of lines, the newest first: by time, then by the master that has the line, then by its number there. It stays
 * what it is when lines come in. Pure.
 */
import type { Sql } from "./FilterSql.ts"

export interface LogPlace {
  readonly atMillis: number
  /** Empty where all masters share a store. */
  readonly master: string
  readonly id: number
}

export const cursorOf = ({ atMillis, id, master }: LogPlace): string =>
  Buffer.from(`${atMillis} ${master} ${id}`).toString("base64url")

const form = /^(-?\d{1,16}) ([0-9a-f-]{0,36}) (\d{1,16})$/

/** `null` for what is no cursor. */
export const placeOf = (cursor: string): LogPlace | null => {
  const match = form.exec(Buffer.from(cursor, "base64url").toString())
  if (match === null) return null
  const [, at, master = "", id] = match
  return { atMillis: Number(at), master, id: Number(id) }
}

/** Below zero where the left one comes first: it is newer. */
export const comparePlaces = (left: LogPlace, right: LogPlace): number =>
  right.atMillis - left.atMillis ||
  (left.master === right.master ? right.id - left.id : left.master > right.master ? -1 : 1)

/** What of a master's lines comes after the place. */
export const behindSql = (place: LogPlace, master: string): Sql => {
  if (master === place.master) {
    return { text: "(t.at < ? OR (t.at = ? AND t.id < ?))", parameters: [place.atMillis, place.atMillis, place.id] }
  }
  return { text: master < place.master ? "t.at <= ?" : "t.at < ?", parameters: [place.atMillis] }
}
