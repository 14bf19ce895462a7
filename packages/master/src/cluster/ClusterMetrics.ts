/** `nxmesh_cluster_*`: how the cluster stands, as this master sees it. What Raft does inside is in `nxmesh_raft_*`. */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { nodeMetricsLayer } from "@nxmesh/raft/node/NodeMetrics"
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import type { Status } from "@nxmesh/raft/node/Status"
import { Effect, Layer, Stream } from "effect"
import { Reads } from "../state/Reads.ts"
import { Disk } from "./Disk.ts"
import { Warnings } from "./Warnings.ts"

const makeGauges = Effect.gen(function* () {
  const metrics = yield* Metrics
  const plain = (name: string, help: string) => metrics.gauge({ name: `nxmesh_cluster_${name}`, help })
  const masters = yield* metrics.gauge({
    name: "nxmesh_cluster_members",
    help: "Masters by their part in Raft's configuration; wanted: those that the table names.",
    labelNames: ["role"] as const
  })
  const lag = yield* metrics.gauge({
    name: "nxmesh_cluster_peer_lag_entries",
    help: "On the leader: entries of the log that another master does not have yet.",
    labelNames: ["peer"] as const
  })
  return {
    leader: yield* plain("leader", "1 on the master that leads, else 0."),
    hasLeader: yield* plain("has_leader", "1 while this master knows who leads, else 0."),
    term: yield* plain("term", "Raft's term."),
    commit: yield* plain("commit_index", "Index of the last entry that is known to be committed."),
    applied: yield* plain("applied_index", "Index of the last entry that the state holds."),
    epoch: yield* plain("epoch", "How often the cluster was restored or recovered, and one."),
    version: yield* plain("version", "The version of apply's behaviour that the masters agree on."),
    frozen: yield* plain("frozen", "1 while no agent is told to deploy anything, else 0."),
    warnings: yield* plain("warnings", "What the tasks of this master want an operator to know."),
    free: yield* plain("disk_free_bytes", "Free on the file system of the data directory."),
    total: yield* plain("disk_total_bytes", "Size of the file system of the data directory."),
    data: yield* plain("data_bytes", "What the data directory takes."),
    state: yield* plain("state_bytes", "What the state takes of it."),
    short: yield* plain("disk_short", "1 while too little of the disk is left, else 0."),
    masters,
    lag
  }
})

type Gauges = Effect.Success<typeof makeGauges>

const setRaft = (gauges: Gauges, status: Status): void => {
  const { configuration, lastIndex, peers } = status
  gauges.leader.set(Number(status.role === "Leader"))
  gauges.hasLeader.set(Number(status.leader !== null))
  gauges.term.set(status.term)
  gauges.commit.set(status.commit)
  gauges.masters.set({ role: "voter" }, configuration.voters.length)
  gauges.masters.set({ role: "learner" }, configuration.learners.length)
  gauges.lag.reset()
  for (const { id, match } of peers) gauges.lag.set({ peer: id }, Math.max(0, lastIndex - match))
}

/** Set with each status of Raft: once a second, and at changes. */
const follow = Effect.gen(function* () {
  const disk = yield* Disk
  const node = yield* RaftNode
  const reads = yield* Reads
  const warnings = yield* Warnings
  const gauges = yield* makeGauges

  const set = Effect.fnUntraced(function* (status: Status) {
    setRaft(gauges, status)
    gauges.applied.set(yield* reads.appliedIndex)
    gauges.masters.set({ role: "wanted" }, (yield* reads.masters).length)
    gauges.warnings.set((yield* warnings.all).length)
    const cluster = yield* reads.clusterState
    if (cluster !== undefined) {
      gauges.epoch.set(cluster.epoch)
      gauges.version.set(cluster.clusterVersion)
      gauges.frozen.set(Number(cluster.frozen))
    }
    const use = yield* disk.use
    if (use === null) return
    gauges.free.set(use.freeBytes)
    gauges.total.set(use.totalBytes)
    gauges.data.set(use.dataBytes)
    gauges.state.set(use.stateBytes)
    gauges.short.set(Number(use.isShort))
  })
  yield* Stream.runForEach(node.statuses, (status) =>
    Effect.catchCause(set(status), (cause) => Effect.logError("the cluster's metrics could not be set", cause))
  ).pipe(Effect.forkScoped)
})

export const layerClusterMetrics = Layer.mergeAll(Layer.effectDiscard(follow), nodeMetricsLayer("nxmesh_raft"))
