/** A node of Raft without Raft: a test says how it stands, and sees what it was asked to do. */
import { RaftNode } from "@nxmesh/raft/node/RaftNode"
import type { MemberChange } from "@nxmesh/raft/node/Host"
import type { PeerStatus, Status } from "@nxmesh/raft/node/Status"
import type { Address } from "@nxmesh/raft/transport/Transport"
import { Effect, Layer, SubscriptionRef } from "effect"

const counters: Status["counters"] = {
  elections: 0,
  leaderChanges: 0,
  proposals: 0,
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
  snapshotsFailed: 0,
  snapshotsInstalled: 0,
  handovers: 0
}

/** Node `a`, alone, leading in term 1. */
export const aloneStatus = {
  id: "a",
  role: "Leader",
  term: 1,
  leader: "a",
  configuration: { voters: ["a"], learners: [], outgoing: [], learnersNext: [], autoLeave: false },
  configurationIndex: 1,
  firstIndex: 1,
  lastIndex: 10,
  persisted: 10,
  commit: 10,
  applied: 10,
  snapshotIndex: 0,
  logBytes: 0,
  pendingProposals: 0,
  flushMillis: 0,
  hostMillis: 0,
  declines: null,
  snapshotFailure: null,
  peers: [],
  counters
} as unknown as Status

export const peerStatus = (id: string, facts: Partial<PeerStatus> & { readonly catchUp?: unknown } = {}): PeerStatus =>
  ({ id, mode: "Replicate", match: 10, isActive: true, catchUp: null, ...facts }) as PeerStatus

export interface FakeNode {
  readonly layer: Layer.Layer<RaftNode>
  /** Tells another status. */
  readonly tell: (facts: Partial<Status>) => Effect.Effect<void>
  readonly changes: Array<MemberChange>
  readonly handovers: Array<string>
  readonly peers: Array<ReadonlyMap<string, Address>>
}

export const makeFakeNode = Effect.fnUntraced(function* (first: Partial<Status> = {}) {
  const current = yield* SubscriptionRef.make<Status>({ ...aloneStatus, ...first })
  const changes: Array<MemberChange> = []
  const handovers: Array<string> = []
  const peers: Array<ReadonlyMap<string, Address>> = []
  /** Committed at once, as by a leader that is not in anybody's way. */
  const changeMembers = (change: MemberChange) =>
    SubscriptionRef.updateAndGet(current, (status) => {
      changes.push(change)
      const index = status.lastIndex + 1
      const configuration = { ...aloneStatus.configuration, voters: change.voters, learners: change.learners }
      return { ...status, configuration, configurationIndex: index, lastIndex: index, commit: index, applied: index }
    }).pipe(Effect.map(({ configurationIndex }) => configurationIndex))
  const layer = Layer.succeed(RaftNode, {
    propose: () => Effect.die("this node proposes nothing"),
    read: Effect.map(SubscriptionRef.get(current), ({ applied }) => applied),
    changeMembers,
    transferLeadership: (to) => Effect.sync(() => void handovers.push(to)),
    setPeers: (addresses) => Effect.sync(() => void peers.push(addresses)),
    setIdentity: () => Effect.void,
    status: SubscriptionRef.get(current),
    statuses: SubscriptionRef.changes(current),
    address: { host: "127.0.0.1", port: 1 },
    stopped: Effect.never
  } as RaftNode["Service"])
  const fake: FakeNode = {
    layer,
    tell: (facts) => SubscriptionRef.update(current, (status) => ({ ...status, ...facts })),
    changes,
    handovers,
    peers
  }
  return fake
})
