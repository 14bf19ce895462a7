/**
 * What a follower that is down for 60 s under full load costs the leader: log, disk and memory stay within bounds, with
 * the log capped at 512 MiB and the product's default settings. `npm run bench raft-bounded -- --seconds 60`.
 */
import { defaultNodeOptions } from "../packages/raft/src/node/NodeOptions.ts"
import { runBounded } from "../test/integration/raft/BoundedRun.ts"
import { TestCluster } from "../test/integration/raft/TestCluster.ts"
import { benchOptions } from "./raft/BenchOptions.ts"

const values = benchOptions({ seconds: { type: "string", default: "60" } })
const seconds = Number(values.seconds)
const mebibytes = (bytes: number): number => Math.round(bytes / 1_048_576)

await TestCluster.use({ node: { tickMillis: defaultNodeOptions.tickMillis } }, async (cluster) => {
  const load = { clients: 256, valueBytes: 4_096, appendedBytes: 0, awayMillis: seconds * 1_000 }
  const { appendedBytes, catchUpMillis, diskBytesMax, logBytesMax, residentBytesMax, snapshotsTaken, writes } =
    await runBounded(cluster, load)
  console.table({
    "writes acknowledged": writes,
    "written to the log, MiB": mebibytes(appendedBytes),
    "log at most, MiB": mebibytes(logBytesMax),
    "log's bound, MiB": mebibytes(defaultNodeOptions.logBytesMax),
    "log and snapshots on disk at most, MiB": mebibytes(diskBytesMax),
    "leader's process in memory at most, MiB": mebibytes(residentBytesMax),
    "snapshots taken": snapshotsTaken,
    "back after, ms": catchUpMillis
  })
  if (logBytesMax > defaultNodeOptions.logBytesMax) throw new Error("the log grew beyond its bound")
})
