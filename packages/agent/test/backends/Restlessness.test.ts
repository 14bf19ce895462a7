import { assert, describe, it } from "@effect/vitest"
import { calmed, type Followed, following } from "@nxmesh/agent/backends/Restlessness"

const minute = 60_000
const book = (addresses: ReadonlyArray<string>) => new Map([["app.example", addresses]])

describe("Restlessness", () => {
  /** Rounds of resolving, 30 s apart: which of them nginx is reloaded for. */
  const reloads = (answers: ReadonlyArray<ReadonlyArray<string>>, spacingMillis = minute / 2) => {
    let [inUse, followed]: [ReadonlyArray<string>, Followed] = [["a"], new Map()]
    return answers.flatMap((answer, round) => {
      const now = round * spacingMillis
      const next = calmed(book(inUse), book(answer), followed, now).get("app.example") ?? []
      if (next.join() === inUse.join()) return []
      followed = following(followed, book(inUse), book(next), now)
      inUse = next
      return [round]
    })
  }

  it("follows a change at once", () => {
    assert.deepStrictEqual(reloads([["a"], ["a", "b"], ["a", "b"], ["b"]]), [1, 3])
  })

  it("follows a name that changes every time three times in ten minutes", () => {
    const restless = Array.from({ length: 40 }, (_, round) => ["a", round % 2 === 0 ? "b" : "c"])
    assert.deepStrictEqual(reloads(restless), [0, 1, 2, 21, 22, 23])
  })

  it("follows a restless name at once when none of its addresses is an answer any more", () => {
    assert.deepStrictEqual(reloads([["a", "b"], ["a", "c"], ["a", "d"], ["a", "e"], ["x"]]), [0, 1, 2, 4])
  })

  it("trusts a name again that was calm for a while", () => {
    const changes = Array.from({ length: 6 }, (_, round) => ["a", `b${round}`])
    assert.deepStrictEqual(reloads(changes, 6 * minute), [0, 1, 2, 3, 4, 5])
  })

  it("is not held up by a clock that was set back", () => {
    const followed = new Map([["app.example", [50 * minute, 51 * minute, 52 * minute]]])
    assert.deepStrictEqual(calmed(book(["a"]), book(["a", "b"]), followed, 0).get("app.example"), ["a", "b"])
  })
})
