import { readAgentsSearch } from "../src/features/agents/AgentsSearch.ts"
import { clusterPill } from "../src/shell/ClusterPill.ts"
import { agoText } from "../src/ui/AgoText.ts"
import { readListSearch } from "../src/ui/ListSearch.ts"
import type { Cluster } from "@nxmesh/protocol/model/ClusterStatus"
import { assert, describe, it } from "@effect/vitest"

describe("how long ago", () => {
  it.each([
    [0, "just now"],
    [59_000, "just now"],
    [60_000, "1 minute ago"],
    [3_599_000, "59 minutes ago"],
    [7_200_000, "2 hours ago"],
    [86_400_000, "yesterday"],
    [-120_000, "in 2 minutes"]
  ])("%s ms is %s", (millis, words) => assert.strictEqual(agoText(1_000_000_000, 1_000_000_000 + millis), words))
})

describe("what an address asks for", () => {
  it("is read, and what is not understood is left out", () => {
    assert.deepStrictEqual(readAgentsSearch({ state: "Offline", name: "edge", page: 2, other: 1 }), {
      state: "Offline",
      name: "edge",
      page: 2
    })
    assert.deepStrictEqual(readAgentsSearch({ state: "offline", name: 7, page: -1 }), {})
    assert.deepStrictEqual(readListSearch({ name: "", page: "x" }), {})
  })
})

describe("the cluster in one word", () => {
  const master = (id: string, healthy = true) => ({ id, name: id, healthy })
  const cluster = (change: Partial<Cluster>, masters = ["a", "b", "c"].map((id) => master(id))): Cluster =>
    ({ leader_id: "a", term: 3, frozen: false, failures_tolerated: 1, advice: [], masters, ...change }) as never

  it("is green while a master may fail", () => assert.strictEqual(clusterPill(cluster({})).color, "green"))

  it("is orange when none may fail any more", () => {
    const pill = clusterPill(cluster({}, [master("a"), master("b"), master("c", false)]))
    assert.strictEqual(pill.color, "orange")
    assert.include(pill.text, "2/3")
  })

  it("is orange while deployments are frozen", () =>
    assert.include(clusterPill(cluster({ frozen: true })).text, "frozen"))

  it("is red without a leader", () => assert.strictEqual(clusterPill(cluster({ leader_id: null })).color, "red"))
})
