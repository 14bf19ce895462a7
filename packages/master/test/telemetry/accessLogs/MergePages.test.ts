import { comparePlaces, cursorOf, type LogPlace, placeOf } from "../../../src/telemetry/accessLogs/LogCursor.ts"
import { mergePages, type Placed } from "../../../src/telemetry/accessLogs/MergePages.ts"
import { tooMuchOf, whatToNarrow } from "../../../src/telemetry/accessLogs/CostGuard.ts"
import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { expect, test } from "vitest"

const masters = ["00000000-0000-7000-8000-00000000000a", "00000000-0000-7000-8000-00000000000b"]

interface Row extends Placed {
  readonly name: string
}

/** What a master answers: its lines behind a place, the newest first. */
const pageOf = (rows: ReadonlyArray<Row>, after: LogPlace | null, limit: number) =>
  rows
    .filter(({ place }) => after === null || comparePlaces(after, place) < 0)
    .toSorted((left, right) => comparePlaces(left.place, right.place))
    .slice(0, limit)

test("pages of several masters have every line once, in order, whatever their sizes", () => {
  const random = new SeededRandom(6)
  for (let round = 0; round < 100; round++) {
    const stores = masters.map((master) =>
      Array.from({ length: random.between(0, 30) }, (_, index): Row => ({
        place: { atMillis: random.between(0, 8), master, id: index + 1 },
        origin: null,
        name: `${master} ${index}`
      }))
    )
    const limit = random.between(1, 12)
    const found: Array<string> = []
    let after: LogPlace | null = null
    do {
      const pages: ReadonlyArray<ReadonlyArray<Row>> = stores.map((rows) => pageOf(rows, after, limit))
      const { next, rows } = mergePages(pages, limit)
      found.push(...rows.map(({ name }) => name))
      after = next === null ? null : placeOf(next)
    } while (after !== null)
    expect(found).toEqual(pageOf(stores.flat(), null, 100).map(({ name }) => name))
  }
})

test("a line that two masters took is there once", () => {
  const row = (master: string, atMillis: number, origin: string | null) => ({
    place: { atMillis, master, id: 1 },
    origin,
    name: `${master} ${atMillis}`
  })
  const [a = "", b = ""] = masters
  const { rows } = mergePages([[row(a, 5, "outbox 1 0")], [row(b, 5, "outbox 1 0"), row(b, 4, null)]], 10)
  expect(rows.map(({ place }) => place.atMillis)).toEqual([5, 4])
})

test("a cursor is what it was made of, and nothing else is one", () => {
  const place = { atMillis: 1_700_000_000_000, master: masters[0] ?? "", id: 42 }
  expect(placeOf(cursorOf(place))).toEqual(place)
  expect(placeOf(cursorOf({ ...place, master: "" }))).toEqual({ ...place, master: "" })
  for (const wrong of [
    "",
    "AAAA",
    Buffer.from("1 x 2").toString("base64url"),
    Buffer.from("1  2 3").toString("base64url")
  ]) {
    expect(placeOf(wrong), wrong).toBeNull()
  }
})

test("says from which instant on a question is answered, by the walk that can answer least", () => {
  const worst = tooMuchOf([
    { by: "host", atMillis: 1_000 },
    { by: "time", atMillis: 2_000 }
  ])
  expect(worst).toEqual({ by: "time", atMillis: 2_000 })
  const range = { fromMillis: 0, toMillis: 5_000 }
  const told = whatToNarrow({ by: "time", atMillis: 2_000 }, range, 250_000)
  expect(told.message).toMatch(/more than 250,000 lines: narrow its time, or name an agent_id/)
  expect(told.details).toEqual([
    { field: "from", message: "from 1970-01-01T00:00:02.001Z on there are 250,000 lines at most" }
  ])
  expect(whatToNarrow({ by: "host", atMillis: 4_999 }, range, 250_000).details).toEqual([])
  expect(tooMuchOf([])).toBeNull()
})
