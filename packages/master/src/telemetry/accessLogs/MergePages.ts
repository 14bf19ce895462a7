/** Pages of several masters as one: the newest first, doubles once. Pure. */
import { comparePlaces, cursorOf, type LogPlace } from "./LogCursor.ts"

export interface Placed {
  readonly place: LogPlace
  /** Its place in its agent's outbox, by which a double is known; `null` for what never was in one. */
  readonly origin: string | null
}

export interface Merged<Row> {
  readonly rows: ReadonlyArray<Row>
  /** Cursor of what comes behind; `null` at the end. */
  readonly next: string | null
}

/**
 * A master that gave as many as were asked for may have more, so nothing older than its last one can be told: others' older
 * lines wait for the next page.
 *
 * A line is in doubt on two masters when one died while it took it. Both have it at one time, so that one page drops the double,
 * unless the page ends between the two.
 */
export const mergePages = <Row extends Placed>(
  pages: ReadonlyArray<ReadonlyArray<Row>>,
  limit: number
): Merged<Row> => {
  const ends = pages.flatMap((page) => {
    const last = page.at(-1)
    return page.length >= limit && last !== undefined ? [last.place] : []
  })
  const end = ends.toSorted(comparePlaces)[0]
  const sorted = pages
    .flat()
    .filter(({ place }) => end === undefined || comparePlaces(place, end) <= 0)
    .toSorted((left, right) => comparePlaces(left.place, right.place))
  const seen = new Set<string>()
  const single = sorted.filter(({ origin }) => {
    if (origin === null) return true
    if (seen.has(origin)) return false
    seen.add(origin)
    return true
  })
  const rows = single.slice(0, limit)
  const last = rows.at(-1)
  const more = end !== undefined || single.length > limit
  return { rows, next: more && last !== undefined ? cursorOf(last.place) : null }
}
