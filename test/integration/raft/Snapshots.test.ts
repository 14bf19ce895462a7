import { assert, describe, it } from "@effect/vitest"
import { readdir } from "node:fs/promises"
import { setTimeout } from "node:timers/promises"
import { runBounded } from "./BoundedRun.ts"
import type { LoadReport } from "./MemberMessage.ts"
import type { MemberProcess } from "./MemberProcess.ts"
import { TestCluster } from "./TestCluster.ts"

const mebibyte = 1_048_576

const assertHolds = async (member: MemberProcess, { acknowledged }: LoadReport): Promise<void> => {
  assert.isAbove(acknowledged.size, 0)
  for (const [key, value] of acknowledged) {
    assert.strictEqual(await member.ask({ kind: "get", key }), value, `${key} on ${member.id}`)
  }
}

/** Part of a snapshot is there, and not yet all. */
const isReceiving = async (storage: string): Promise<void> => {
  while (!(await readdir(storage)).some((name) => name.endsWith(".partial"))) await setTimeout(20)
}

describe("a follower that was away", () => {
  it("gets a snapshot when the log it lacks is gone, also after a crash while it came", () =>
    TestCluster.use(
      {
        node: { snapshotLogBytes: 262_144, trailingEntries: 50 },
        log: { segmentBytes: 65_536, growBytes: 16_384, bufferBytes: 16_384 }
      },
      async (cluster) => {
        const leader = await cluster.leader()
        const [follower] = cluster.others(leader.id) as [MemberProcess]
        const { lastIndex } = follower.status!
        await cluster.kill(follower.id)
        await leader.ask({ kind: "load", clients: 16, valueBytes: 1_000 })
        await leader.until("the log begins later", ({ firstIndex }) => firstIndex > lastIndex + 1)
        const report = await leader.ask<LoadReport>({ kind: "stopLoad" })
        await cluster.holdFlushes(follower.id, "snapshot")
        await cluster.start(follower.id)
        await isReceiving(cluster.storage(follower.id))
        await cluster.kill(follower.id)
        await cluster.releaseFlushes(follower.id, "snapshot")
        await cluster.start(follower.id)
        await cluster.caughtUp(follower.id)
        const { firstIndex } = cluster.member(follower.id).status!
        assert.isAbove(firstIndex, lastIndex + 1)
        await assertHolds(cluster.member(follower.id), report)
      }
    ))

  it("costs the leader no more disk and memory than its limits, under full load", { timeout: 120_000 }, () =>
    TestCluster.use(
      {
        node: { snapshotLogBytes: 4 * mebibyte, trailingEntries: 500, logBytesMax: 16 * mebibyte },
        log: { segmentBytes: mebibyte, growBytes: 262_144, bufferBytes: 262_144 }
      },
      async (cluster) => {
        const load = { clients: 64, valueBytes: 4_096, appendedBytes: 64 * mebibyte, awayMillis: 0 }
        const { away, report, ...figures } = await runBounded(cluster, load)
        const said = JSON.stringify(figures)
        assert.isAtMost(figures.logBytesMax, 16 * mebibyte, said)
        // The log, zeros ahead of it, and snapshots: one there, one on its way, each of 512 values.
        assert.isAtMost(figures.diskBytesMax, 32 * mebibyte, said)
        assert.isAbove(figures.snapshotsTaken, 8, said)
        assert.isAtMost(figures.residentBytesMax, 640 * mebibyte, said)
        await assertHolds(away, report)
      }
    )
  )
})
