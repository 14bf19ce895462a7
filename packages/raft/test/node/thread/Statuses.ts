import type { Counters, Status } from "@nxmesh/raft/node/Status"

export const counters: Counters = {
  elections: 1,
  leaderChanges: 2,
  proposals: 10,
  proposalsRefused: 0,
  proposalsUnknown: 0,
  proposalsRetried: 0,
  reads: 0,
  messagesSent: 0,
  messagesReceived: 0,
  appends: 0,
  appendedBytes: 0,
  flushes: 0,
  flushSeconds: 0,
  snapshotsTaken: 0,
  snapshotsInstalled: 0,
  snapshotsFailed: 0,
  handovers: 0
}

/** Of a leader. */
export const status: Status = {
  id: "a",
  role: "Leader",
  term: 3,
  leader: "a",
  configuration: { voters: ["a", "b"], learners: [], outgoing: [], learnersNext: [], autoLeave: false },
  isMember: true,
  isRemoved: false,
  configurationIndex: 1,
  firstIndex: 1,
  lastIndex: 100,
  persisted: 100,
  commit: 99,
  applied: 98,
  snapshotIndex: 0,
  logBytes: 4_096,
  undecodable: 0,
  pendingProposals: 2,
  flushMillis: 1_500,
  hostMillis: 0,
  declines: null,
  snapshotFailure: null,
  peers: [{ id: "b", mode: "Replicate", match: 90, isActive: true, catchUp: null }],
  counters
}
