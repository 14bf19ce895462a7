/**
 * A clock that a test can move: `node --import` loads this into every thread of a program. NXMESH_TEST_CLOCK_FILE holds by how
 * many milliseconds the calendar is off. Monotonic time, which timeouts go by, stays true, as when an operator sets a clock.
 */
import { readFileSync } from "node:fs"

const file = process.env["NXMESH_TEST_CLOCK_FILE"] ?? ""
const lookEveryMillis = 50
const TrueDate = Date
const trueNow = Date.now
let offMillis = 0

const look = (): void => {
  try {
    offMillis = Number(readFileSync(file, "utf8")) || 0
  } catch {
    // Nobody has moved it yet.
  }
}

TrueDate.now = () => trueNow() + offMillis
globalThis.Date = new Proxy(TrueDate, {
  construct: (target, parts, newTarget) =>
    Reflect.construct(target, parts.length === 0 ? [TrueDate.now()] : parts, newTarget)
})

look()
setInterval(look, lookEveryMillis).unref()
