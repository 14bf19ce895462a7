/** Where Raft finds the other masters, from books of different age. */
import { assert, describe, it } from "@effect/vitest"
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Duration } from "effect"
import { type AddressBook, LatelyGone, peerAddresses } from "../../src/cluster/PeerAddresses.ts"
import { Limits } from "../../src/Limits.ts"
import { aloneStatus } from "./FakeNode.ts"

const book = (index: number, addresses: Readonly<Record<string, string>>): AddressBook => ({
  index,
  addresses: new Map(Object.entries(addresses) as Array<[MasterId, string]>)
})
const configured = (voters: ReadonlyArray<string>, leader: string | null = "a") => ({
  ...aloneStatus,
  leader,
  configuration: { ...aloneStatus.configuration, voters }
})
const found = (books: ReadonlyArray<AddressBook>, status = configured(["a"])) =>
  Object.fromEntries([...peerAddresses(books, status)].map(([id, { host, port }]) => [id, `${host} ${port}`]))

describe("the addresses of the other masters", () => {
  it("are those of the table, without this master's own", () => {
    assert.deepStrictEqual(found([book(5, { a: "10.0.0.1:7443", b: "10.0.0.2:7443", c: "[::1]:7" })]), {
      b: "10.0.0.2 7443",
      c: "::1 7"
    })
  })

  it("are the newest word for each", () => {
    const books = [book(9, { b: "new:1", c: "c:1" }), book(5, { b: "old:1" })]
    assert.deepStrictEqual(found(books), { b: "new 1", c: "c 1" })
  })

  it("are kept of members that only an older book names, and of no one else", () => {
    const books = [book(5, { b: "b:1", c: "c:1", d: "d:1" }), book(9, { a: "a:1" })]
    assert.deepStrictEqual(found(books, configured(["a", "b"], "d")), { b: "b 1", d: "d 1" })
  })

  it("leave out an address that tells nobody where it is", () => {
    assert.deepStrictEqual(found([book(5, { b: "0.0.0.0:7443", c: "[::]:7443", d: "no address" })]), {})
  })
})

describe("masters that were removed not long ago", () => {
  const at = (host: string) => ({ host, port: 7443 })
  const [a, b, c] = ["a", "b", "c"].map((id) => id as MasterId) as [MasterId, MasterId, MasterId]
  const hour = Duration.toMillis(Limits.cluster.goneMasterKept)

  it("keep their address for an hour", () => {
    const lately = new LatelyGone()
    const before = new Map([[a, at("a")]])
    const kept = lately.with(new Map([[b, at("b")]]), before, 0)
    assert.deepStrictEqual([...kept.keys()].toSorted(), [a, b])
    assert.isTrue(lately.with(new Map([[b, at("b")]]), kept, hour - 1).has(a))
    assert.isFalse(lately.with(new Map([[b, at("b")]]), kept, hour).has(a))
  })

  it("are not looked for where another one is now, as after one took its own place anew", () => {
    const lately = new LatelyGone()
    const before = new Map([
      [a, at("a")],
      [b, at("b")]
    ])
    const present = new Map([
      [b, at("b")],
      [c, at("a")]
    ])
    assert.deepStrictEqual([...lately.with(present, before, 0).keys()].toSorted(), [b, c])
  })
})
