import { assert, describe, it } from "@effect/vitest"
import { majorityReached, majorityVote, quorumReached, quorumVote } from "../../src/core/Quorum.ts"
import type { VoteResult } from "../../src/core/Quorum.ts"
import type { Configuration } from "../../src/core/Types.ts"
import { configuration } from "./Network.ts"

const ids = (text: string): ReadonlyArray<string> => text.split("")
const joint = (voters: string, outgoing: string): Configuration => ({
  ...configuration(ids(voters)),
  outgoing: ids(outgoing),
  autoLeave: true
})
const votes = (granted: string, refused: string): ReadonlyMap<string, boolean> =>
  new Map([...ids(granted).map((id) => [id, true] as const), ...ids(refused).map((id) => [id, false] as const)])
const reached = (text: string): ((id: string) => number) => {
  const known = new Map(text.split(" ").map((pair) => [pair.slice(0, 1), Number(pair.slice(1))]))
  return (id) => known.get(id) ?? 0
}

describe("a majority", () => {
  const commits: ReadonlyArray<[voters: string, acknowledged: string, expected: number]> = [
    ["", "", Number.POSITIVE_INFINITY],
    ["a", "a5", 5],
    ["ab", "a5 b3", 3],
    ["abc", "a5 b3", 3],
    ["abc", "a5", 0],
    ["abcd", "a9 b8 c7", 7],
    ["abcd", "a9 b8", 0],
    ["abcde", "a9 b8 c7 d1", 7],
    ["abc", "x9 y9 a1", 0]
  ]
  for (const [voters, acknowledged, expected] of commits) {
    it(`of "${voters}" that acknowledged "${acknowledged}" has reached ${expected}`, () =>
      assert.strictEqual(majorityReached(ids(voters), reached(acknowledged)), expected))
  }

  const elections: ReadonlyArray<[voters: string, granted: string, refused: string, expected: VoteResult]> = [
    ["", "", "", "Won"],
    ["a", "", "", "Pending"],
    ["a", "a", "", "Won"],
    ["ab", "a", "", "Pending"],
    ["ab", "a", "b", "Lost"],
    ["abc", "ab", "", "Won"],
    ["abc", "a", "b", "Pending"],
    ["abc", "", "ab", "Lost"],
    ["abcd", "ab", "c", "Pending"],
    ["abcd", "ab", "cd", "Lost"],
    ["abc", "axyz", "", "Pending"]
  ]
  for (const [voters, granted, refused, expected] of elections) {
    it(`of "${voters}" with "${granted}" for and "${refused}" against is ${expected}`, () =>
      assert.strictEqual(majorityVote(ids(voters), votes(granted, refused)), expected))
  }
})

describe("a joint quorum (scenario 46)", () => {
  const commits: ReadonlyArray<[voters: string, outgoing: string, acknowledged: string, expected: number]> = [
    ["abc", "", "a3 b2", 2],
    ["abc", "abc", "a3 b2", 2],
    ["abc", "def", "a9 b9 c9", 0],
    ["abc", "def", "a9 b9 d4 e2", 2],
    ["abc", "bcd", "a9 b5 c4", 4],
    ["abc", "bcd", "a9 b5 d7", 5],
    ["a", "bcd", "a9 b1 c1", 1],
    ["abc", "d", "a9 b9 c9", 0]
  ]
  for (const [voters, outgoing, acknowledged, expected] of commits) {
    it(`of "${voters}" and "${outgoing}" that acknowledged "${acknowledged}" commits ${expected}`, () =>
      assert.strictEqual(quorumReached(joint(voters, outgoing), reached(acknowledged)), expected))
  }

  const elections: ReadonlyArray<[string, string, granted: string, refused: string, expected: VoteResult]> = [
    ["abc", "def", "abc", "", "Pending"],
    ["abc", "def", "abde", "", "Won"],
    ["abc", "def", "abc", "de", "Lost"],
    ["abc", "bcd", "bc", "", "Won"],
    ["abc", "bcd", "ab", "", "Pending"],
    ["a", "abc", "ab", "", "Won"],
    ["a", "abc", "bc", "", "Pending"],
    ["a", "abc", "bc", "a", "Lost"]
  ]
  for (const [voters, outgoing, granted, refused, expected] of elections) {
    it(`of "${voters}" and "${outgoing}" with "${granted}" for and "${refused}" against is ${expected}`, () =>
      assert.strictEqual(quorumVote(joint(voters, outgoing), votes(granted, refused)), expected))
  }

  it("of nobody commits nothing and elects nobody", () => {
    assert.strictEqual(
      quorumReached(configuration([]), () => 9),
      0
    )
    assert.strictEqual(quorumVote(configuration([]), votes("a", "")), "Lost")
  })
})
