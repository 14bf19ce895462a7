import { assert, describe, it } from "@effect/vitest"
import type { Status } from "@nxmesh/raft/node/Status"
import type { MemberProcess } from "./MemberProcess.ts"
import { TestCluster } from "./TestCluster.ts"

/** Puts a value through this member, and reads it back there. */
const assertWrites = async (member: MemberProcess, value: string): Promise<void> => {
  await member.ask({ kind: "put", key: "written", value })
  assert.strictEqual(await member.ask({ kind: "get", key: "written" }), value)
}

describe("a leader that stalls (rules 13 and 14)", () => {
  it("stays leader while its main thread is blocked for 3 s, and the cluster writes on", () =>
    TestCluster.use({}, async (cluster) => {
      const leader = await cluster.leader()
      const followers = cluster.others(leader.id)
      const { term } = leader.status!
      const seen = followers.map(({ statuses }) => statuses.length)
      const blocked = leader.ask({ kind: "block", millis: 3_000 })
      await assertWrites(followers[0]!, "while the leader's host was blocked")
      await blocked
      await leader.ask({ kind: "put", key: "after", value: "it" })
      for (const [i, { statuses }] of followers.entries()) {
        for (const status of statuses.slice(seen[i])) {
          assert.deepStrictEqual([status.leader, status.term], [leader.id, term])
        }
      }
      assert.strictEqual(leader.status?.counters.handovers, 0)
    }))

  it("hands over when its main thread is blocked for 10 s, and is a follower afterwards", () =>
    TestCluster.use({}, async (cluster) => {
      const leader = await cluster.leader()
      const followers = cluster.others(leader.id)
      const blocked = leader.ask({ kind: "block", millis: 10_000 })
      let isBlocked = true
      void blocked.then(() => (isBlocked = false))
      const next = await cluster.leader(followers, leader.id)
      assert.isTrue(isBlocked)
      await assertWrites(next, "after the handover")
      await blocked
      const mayLead = ({ declines, leader }: Status): boolean => declines === null && leader === next.id
      const status = await leader.until("it may lead again, and follows", mayLead)
      assert.isAtLeast(status.counters.handovers, 1)
      await assertWrites(leader, "through the one that was blocked")
    }))

  it("ends its process when its main thread does not come back", () =>
    TestCluster.use({ node: { hostStallMillis: 1_500, hostLostMillis: 3_000 } }, async (cluster) => {
      const leader = await cluster.leader()
      leader.ask({ kind: "block", millis: 60_000 }).catch(() => undefined)
      const next = await cluster.leader(cluster.others(leader.id), leader.id)
      assert.strictEqual(await leader.end(), "SIGKILL")
      assert.match(leader.errors, /HostLost.*The process is ended/)
      await assertWrites(next, "without it")
    }))

  it("hands over when a flush takes 2 s, and declines to lead until its disk answers", () =>
    TestCluster.use({}, async (cluster) => {
      const leader = await cluster.leader()
      const followers = cluster.others(leader.id)
      await cluster.holdFlushes(leader.id)
      const put = leader.ask({ kind: "put", key: "held", value: "up" })
      const next = await cluster.leader(followers, leader.id)
      const declining = await leader.until("it says why", ({ declines }) => declines === "DiskStalls")
      assert.isAtLeast(declining.flushMillis, 2_000)
      await assertWrites(next, "after the handover")
      await cluster.releaseFlushes(leader.id)
      await leader.until("it may lead again", ({ declines }) => declines === null)
      await put
      await cluster.caughtUp(leader.id)
      assert.strictEqual(await leader.ask({ kind: "get", key: "held" }), "up")
    }))
})

describe("a leader that is asked to", () => {
  it("hands over under load, and no write fails", () =>
    TestCluster.use({}, async (cluster) => {
      const leader = await cluster.leader()
      const [next, third] = cluster.others(leader.id) as [MemberProcess, MemberProcess]
      await third.ask({ kind: "load", clients: 8, valueBytes: 64 })
      await third.until("some writes are applied", ({ applied }) => applied > 50)
      await leader.ask({ kind: "transfer", to: next.id })
      assert.strictEqual(await cluster.leader(cluster.others(), leader.id), next)
      const { applied } = next.status!
      await third.until("writes go on", (status) => status.applied > applied + 50)
      const { failures } = await third.ask<{ failures: ReadonlyArray<string> }>({ kind: "stopLoad" })
      assert.deepStrictEqual(failures, [])
    }))
})
