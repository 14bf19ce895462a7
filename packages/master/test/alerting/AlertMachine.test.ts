import { SeededRandom } from "@nxmesh/raft/testing/SeededRandom"
import { assert, describe, it } from "@effect/vitest"
import type { StoredAlert } from "@nxmesh/protocol/model/Alert"
import { judgeAlert, type Memory, type Verdict } from "../../src/alerting/AlertMachine.ts"
import { at, candidate, textAt } from "./Alerts.ts"

const timing = { forMillis: 60_000, resolveAfterMillis: 30_000 }
const holds: Verdict = { _tag: "Holds", candidate: candidate(1) }
const gone: Verdict = { _tag: "Gone" }
const unknown: Verdict = { _tag: "Unknown" }

interface Seen {
  stored: StoredAlert | undefined
  memory: Memory | undefined
  /** What was written, by state; "removed" for a pending one that ended. */
  readonly written: Array<string>
}

const start = (stored?: StoredAlert): Seen => ({ stored, memory: undefined, written: [] })

/** One look, and its change applied to what is stored. */
const look = (seen: Seen, verdict: Verdict, now: number, options = timing): void => {
  const { change, memory } = judgeAlert(seen.stored, seen.memory, verdict, options, now)
  seen.memory = memory
  if (change._tag === "Put") {
    seen.stored = change.alert
    seen.written.push(change.alert.state)
  }
  if (change._tag === "Remove") {
    seen.stored = undefined
    seen.written.push("removed")
  }
}

describe("the life of an alert", () => {
  it("is pending while its condition holds for less than the rule's time, then fires once, then is resolved", () => {
    const seen = start()
    for (let second = 0; second <= 120; second += 10) look(seen, holds, at(second))
    for (let second = 130; second <= 200; second += 10) look(seen, gone, at(second))
    assert.deepStrictEqual(seen.written, ["pending", "firing", "resolved"])
    assert.strictEqual(seen.stored?.started_at, textAt(0))
    assert.strictEqual(seen.stored?.fired_at, textAt(60))
    assert.strictEqual(seen.stored?.resolved_at, textAt(160))
  })

  it("fires at once where the rule has no time", () => {
    const seen = start()
    look(seen, holds, at(0), { forMillis: 0, resolveAfterMillis: 0 })
    assert.deepStrictEqual(seen.written, ["firing"])
    look(seen, gone, at(10), { forMillis: 0, resolveAfterMillis: 0 })
    assert.deepStrictEqual(seen.written, ["firing", "resolved"])
  })

  it("writes nothing of a blip", () => {
    const seen = start()
    look(seen, holds, at(0))
    look(seen, holds, at(10))
    look(seen, gone, at(20))
    look(seen, holds, at(30))
    look(seen, gone, at(40))
    assert.deepStrictEqual(seen.written, [])
    assert.isUndefined(seen.memory)
  })

  it("is one alert while its condition flaps faster than the rule's time to resolve", () => {
    const seen = start()
    for (let second = 0; second <= 60; second += 10) look(seen, holds, at(second))
    for (let second = 70; second <= 600; second += 10) look(seen, second % 40 < 20 ? holds : gone, at(second))
    assert.deepStrictEqual(seen.written, ["pending", "firing"])
  })

  it("stays as it is while nobody can say", () => {
    const seen = start()
    for (let second = 0; second <= 60; second += 10) look(seen, holds, at(second))
    for (let second = 70; second <= 600; second += 10) look(seen, unknown, at(second))
    assert.strictEqual(seen.stored?.state, "firing")
    assert.deepStrictEqual(seen.written, ["pending", "firing"])
  })

  it("goes on counting under another leader from what is noted, and never fires again", () => {
    const seen = start()
    for (let second = 0; second <= 30; second += 10) look(seen, holds, at(second))
    assert.strictEqual(seen.stored?.state, "pending")
    seen.memory = undefined
    for (let second = 40; second <= 60; second += 10) look(seen, holds, at(second))
    assert.strictEqual(seen.stored?.fired_at, textAt(60))
    seen.memory = undefined
    for (let second = 70; second <= 300; second += 10) look(seen, holds, at(second))
    assert.deepStrictEqual(seen.written, ["pending", "firing"])
  })

  it("fires anew after it was resolved, with times of its own", () => {
    const seen = start()
    for (let second = 0; second <= 60; second += 10) look(seen, holds, at(second))
    for (let second = 70; second <= 110; second += 10) look(seen, gone, at(second))
    for (let second = 1_000; second <= 1_060; second += 10) look(seen, holds, at(second))
    assert.deepStrictEqual(seen.written, ["pending", "firing", "resolved", "pending", "firing"])
    assert.strictEqual(seen.stored?.started_at, textAt(1_000))
    assert.isNull(seen.stored?.resolved_at ?? null)
  })

  it("is resolved at once when its rule is gone, and forgotten when it was pending", () => {
    const fired = start()
    for (let second = 0; second <= 60; second += 10) look(fired, holds, at(second))
    look(fired, { _tag: "Dropped" }, at(70))
    assert.strictEqual(fired.stored?.state, "resolved")
    const pending = start()
    for (let second = 0; second <= 30; second += 10) look(pending, holds, at(second))
    look(pending, { _tag: "Dropped" }, at(40))
    assert.deepStrictEqual(pending.written, ["pending", "removed"])
  })

  it("waits its time and no longer when the clock jumps back", () => {
    const seen = start()
    for (let second = 3_600; second <= 3_630; second += 10) look(seen, holds, at(second))
    for (let second = 0; second <= 60; second += 10) look(seen, holds, at(second))
    assert.strictEqual(seen.stored?.state, "firing")
    assert.strictEqual(seen.stored?.fired_at, textAt(60))
  })

  it("is written again when its rule gets another severity, and not when its value changes", () => {
    const seen = start()
    for (let second = 0; second <= 60; second += 10) look(seen, holds, at(second))
    look(seen, { _tag: "Holds", candidate: candidate(1, { value: 99, summary: "now 99" }) }, at(70))
    assert.strictEqual(seen.written.length, 2)
    look(seen, { _tag: "Holds", candidate: candidate(1, { severity: "info" }) }, at(80))
    assert.deepStrictEqual([seen.written.length, seen.stored?.severity, seen.stored?.fired_at], [3, "info", textAt(60)])
  })

  it("holds for any order of looks: fires only after its time, resolves only after being gone, and each once in turn", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const chance = new SeededRandom(seed)
      const next = () => chance.between(0, 999_999) / 1_000_000
      const seen = start()
      let now = at(0)
      let heldSince: number | null = null
      let goneSince: number | null = null
      for (let step = 0; step < 200; step++) {
        now += Math.floor(next() * 20_000)
        const choice = next()
        const verdict: Verdict = choice < 0.55 ? holds : choice < 0.9 ? gone : unknown
        if (verdict === holds) [heldSince, goneSince] = [heldSince ?? now, null]
        if (verdict === gone) [heldSince, goneSince] = [null, goneSince ?? now]
        if (next() < 0.1) seen.memory = undefined
        const count = seen.written.length
        look(seen, verdict, now)
        const written = seen.written[count]
        if (written === "firing") assert.isAtLeast(now - (heldSince ?? now), 60_000, `seed ${seed}`)
        if (written === "resolved") assert.isAtLeast(now - (goneSince ?? now), 30_000, `seed ${seed}`)
      }
      const turns = seen.written.filter((state) => state === "firing" || state === "resolved")
      turns.forEach((state, index) =>
        assert.strictEqual(state, index % 2 === 0 ? "firing" : "resolved", `seed ${seed}`)
      )
    }
  })
})
