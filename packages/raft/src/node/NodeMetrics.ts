/**
 * A node's Prometheus metrics, set from each status that it tells. This package does not know whose node it is: the user
 * gives the prefix of all names, as in `nxmesh_raft` (core/observe/Metrics.ts has the rules).
 */
import { Metrics } from "@nxmesh/core/observe/Metrics"
import { Effect, Layer, Stream } from "effect"
import { RaftNode } from "./RaftNode.ts"
import type { Counters, Status } from "./Status.ts"

interface Described<Value> {
  readonly help: string
  readonly of: (status: Status) => Value
}

const gauges: Readonly<Record<string, Described<number>>> = {
  term: { help: "The term.", of: (status) => status.term },
  is_leader: { help: "1 on the leader, else 0.", of: (status) => (status.role === "Leader" ? 1 : 0) },
  has_leader: { help: "1 while this node knows a leader, else 0.", of: (status) => (status.leader === null ? 0 : 1) },
  voters: { help: "Nodes that vote.", of: (status) => status.configuration.voters.length },
  learners: { help: "Nodes that only listen.", of: (status) => status.configuration.learners.length },
  last_index: { help: "Index of the last entry of the log.", of: (status) => status.lastIndex },
  commit_index: { help: "Index of the last entry that is known to be committed.", of: (status) => status.commit },
  applied_index: {
    help: "Index of the last entry that the state machine has applied.",
    of: (status) => status.applied
  },
  snapshot_index: {
    help: "Index of the last entry that the newest snapshot covers.",
    of: (status) => status.snapshotIndex
  },
  log_bytes: { help: "What the log takes on the disk.", of: (status) => status.logBytes },
  undecodable_commands: {
    help: "Commands of the log that meant nothing to this version, since the start.",
    of: (status) => status.undecodable
  },
  pending_proposals: { help: "Proposals that wait for their result here.", of: (status) => status.pendingProposals },
  flush_wait_seconds: {
    help: "How long the oldest append has been waiting for its flush; 0: none waits.",
    of: (status) => status.flushMillis / 1_000
  },
  host_wait_seconds: {
    help: "How long the main thread has not answered; 0: it answers.",
    of: (status) => status.hostMillis / 1_000
  },
  declines_leadership: {
    help: "1 while this node declines to lead, because its disk or its main thread stalls.",
    of: (status) => (status.declines === null ? 0 : 1)
  }
}

const counters: Readonly<Record<keyof Counters, readonly [name: string, help: string]>> = {
  elections: ["elections", "Elections that this node began."],
  leaderChanges: ["leader_changes", "Leaders that this node has seen, after the first."],
  proposals: ["proposals", "Commands proposed here."],
  proposalsRefused: ["proposals_refused", "Commands proposed here that were refused."],
  proposalsUnknown: ["proposals_unknown", "Commands proposed here whose outcome is not known."],
  proposalsRetried: ["proposals_retried", "Times a command was proposed once more."],
  reads: ["reads", "Linearizable reads asked for here."],
  messagesSent: ["messages_sent", "Messages to other nodes."],
  messagesReceived: ["messages_received", "Messages from other nodes."],
  appends: ["appends", "Appends to the log."],
  appendedBytes: ["appended_bytes", "Bytes of commands appended to the log."],
  flushes: ["flushes", "Flushes of the log."],
  flushSeconds: ["flush_seconds", "What appends waited for flushes of the log, of each flush the oldest."],
  snapshotsTaken: ["snapshots_taken", "Snapshots that this node made."],
  snapshotsFailed: ["snapshots_failed", "Snapshots that this node could not make."],
  snapshotsInstalled: ["snapshots_installed", "Snapshots that this node got from a leader."],
  handovers: ["handovers", "Times this node handed over leadership."]
}

/** Makes the metrics; what it returns sets them from a status. */
export const nodeMetrics = Effect.fnUntraced(function* (prefix: string) {
  const metrics = yield* Metrics
  const labelNames = ["node"] as const
  const set: Array<(status: Status) => void> = []
  for (const [name, { help, of }] of Object.entries(gauges)) {
    const gauge = yield* metrics.gauge({ name: `${prefix}_${name}`, help, labelNames })
    set.push((status) => gauge.set({ node: status.id }, of(status)))
  }
  for (const [key, [name, help]] of Object.entries(counters)) {
    const counter = yield* metrics.counter({ name: `${prefix}_${name}_total`, help, labelNames })
    let before = 0
    set.push((status) => {
      const now = status.counters[key as keyof Counters]
      counter.inc({ node: status.id }, Math.max(0, now - before))
      before = now
    })
  }
  const lag = yield* metrics.gauge({
    name: `${prefix}_follower_lag_entries`,
    help: "On the leader: entries that a follower does not have yet.",
    labelNames: ["node", "peer"] as const
  })
  set.push((status) => {
    lag.reset()
    for (const { id, match } of status.peers) lag.set({ node: status.id, peer: id }, status.lastIndex - match)
  })
  return (status: Status): void => {
    for (const one of set) one(status)
  }
})

/** Keeps the metrics of the node as its latest status is. */
export const nodeMetricsLayer = (prefix: string): Layer.Layer<never, never, RaftNode | Metrics> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const node = yield* RaftNode
      const set = yield* nodeMetrics(prefix)
      yield* Effect.forkScoped(Stream.runForEach(node.statuses, (status) => Effect.sync(() => set(status))))
    })
  )
