/** What a run of a hundred seeds must have reached: each kind of fault, and each path of the core that can be told apart from outside. */

import { faultKinds } from "./Profile.ts"

const inputs = [
  "PreVoteRequest",
  "PreVoteResponse",
  "VoteRequest",
  "VoteResponse",
  "AppendRequest",
  "AppendAccepted",
  "AppendRejected",
  "Heartbeat",
  "HeartbeatResponse",
  "StaleTerm",
  "SnapshotChunk",
  "SnapshotResponse",
  "TimeoutNow",
  "ProposeRequest",
  "ProposeResponse",
  "ReadRequest",
  "ReadResponse",
  "TransferLeadership",
  "ProposeConfiguration",
  "SnapshotInstalled",
  "SnapshotRefused",
  "Compact"
]

const paths = [
  "role: Follower to PreCandidate",
  "role: PreCandidate to Candidate",
  "role: PreCandidate to Follower",
  "role: Candidate to Leader",
  "role: Candidate to Follower",
  "role: Leader to Follower",
  "progress: Probe to Replicate",
  "progress: Replicate to Probe",
  "progress: Probe to Snapshot",
  "progress: Snapshot to Probe",
  "log: truncated",
  "configuration: joint",
  "configuration: joint left or undone",
  "read: confirmed",
  "session: repeated command",
  "snapshot: taken",
  "snapshot: installed",
  "snapshot: damaged",
  "disk: torn",
  "disk: unsynced lost",
  "disk: unsynced kept",
  "disk: error",
  "crash: while writing",
  "clock: forward",
  "clock: backward",
  "network: cut",
  "network: lost",
  "network: duplicated",
  "network: straggler",
  "network: clogged",
  "refused: NotLeader",
  "refused: LeadershipLost",
  "refused: TransferInProgress",
  "refused: TooMuchUncommitted",
  "refused: ConfigurationInProgress",
  "refused: ConfigurationBeforeTermCommit",
  "client: unknown outcome"
]

export const coverageExpected: ReadonlyArray<string> = [
  ...faultKinds.map((kind) => `fault: ${kind}`),
  ...inputs.map((name) => `input: ${name}`),
  ...paths
]
