import { assert, describe, it } from "@effect/vitest"
import type { LoadReport } from "./MemberMessage.ts"
import type { MemberProcess } from "./MemberProcess.ts"
import { TestCluster } from "./TestCluster.ts"

const assertHolds = async (member: MemberProcess, { acknowledged }: LoadReport): Promise<void> => {
  for (const [key, value] of acknowledged) {
    assert.strictEqual(await member.ask({ kind: "get", key }), value, `${key} on ${member.id}`)
  }
}

describe("a cluster of three processes", () => {
  it("keeps every acknowledged write when its leader is killed under load, and takes it back", () =>
    TestCluster.use({}, async (cluster) => {
      const leader = await cluster.leader()
      const [loaded, other] = cluster.others(leader.id) as [MemberProcess, MemberProcess]
      await loaded.ask({ kind: "load", clients: 16, valueBytes: 256 })
      await loaded.until("some writes are applied", ({ applied }) => applied > 200)
      await cluster.kill(leader.id)
      const next = await cluster.leader([loaded, other], leader.id)
      const { applied } = next.status!
      await loaded.until("writes go on", (status) => status.applied > applied + 200)
      const report = await loaded.ask<LoadReport>({ kind: "stopLoad" })
      assert.isAbove(report.acknowledged.size, 16)
      await assertHolds(other, report)
      await cluster.start(leader.id)
      await cluster.caughtUp(leader.id)
      await assertHolds(cluster.member(leader.id), report)
    }))

  it("has every acknowledged write after all of it was killed", () =>
    TestCluster.use({}, async (cluster) => {
      const leader = await cluster.leader()
      await leader.ask({ kind: "load", clients: 16, valueBytes: 256 })
      await leader.until("some writes are applied", ({ applied }) => applied > 500)
      const report = leader.ask<LoadReport>({ kind: "stopLoad" })
      const kept = await report
      await cluster.kill(...TestCluster.ids)
      await cluster.start(...TestCluster.ids)
      await assertHolds(await cluster.leader(), kept)
    }))
})
