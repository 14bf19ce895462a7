/**
 * A node of a cluster, as a service: the state machine stays in this thread, everything that keeps the cluster together
 * runs in threads of its own (thread/NodeWorker.ts), so that work in this one costs no election.
 *
 * ```ts
 * const program = Effect.gen(function* () {
 *   const node = yield* RaftNode
 *   const { result } = yield* node.propose(command)     // committed by a majority, applied here
 *   yield* node.read                                    // from here on the state machine has all that was committed
 * })
 * program.pipe(Effect.provide(RaftNode.layer(settings)))
 * ```
 */
import { Context, Effect, FiberSet, Layer } from "effect"
import type { Scope, Stream } from "effect"
import type { Index, NodeId } from "../core/Types.ts"
import { Limits } from "../Limits.ts"
import type { LogOptions } from "../storage/log/SegmentedLog.ts"
import { secureContext } from "../transport/tcp/Tls.ts"
import type { TlsIdentity } from "../transport/tcp/Tls.ts"
import type { TransportError } from "../transport/tcp/TransportError.ts"
import type { Address } from "../transport/Transport.ts"
import { Host } from "./Host.ts"
import type { HostPorts, MemberChange, Proposed, Reply } from "./Host.ts"
import type { Failure } from "./HostMessage.ts"
import type { NodeOptions } from "./NodeOptions.ts"
import { NodeStopped } from "./NodeStopped.ts"
import { proposeError, readError } from "./RequestError.ts"
import type { ProposeError, RequestRefused } from "./RequestError.ts"
import type { StateMachine } from "./StateMachine.ts"
import type { Status } from "./Status.ts"
import { makeNodeEvents } from "./thread/NodeEvents.ts"
import { NodeThread } from "./thread/NodeThread.ts"
import type { NodeThreadListener } from "./thread/NodeThread.ts"
import type { NetworkSettings } from "./thread/ThreadMessage.ts"

export interface RaftNodeSettings {
  readonly options: NodeOptions
  /** Of this node alone: log, hard state and snapshots. */
  readonly directory: string
  /** Outlives the node: open it in a scope around the node's. */
  readonly machine: StateMachine
  readonly network: NetworkSettings
  /** Where the others are. */
  readonly peers: ReadonlyMap<NodeId, Address>
  /** After so long a request fails. */
  readonly requestMillis?: number
  readonly log?: LogOptions
  /** URL of a module that exports `fileSystem`: a disk that stalls or fails, for tests. */
  readonly fileSystemModule?: string
}

export class RaftNode extends Context.Service<
  RaftNode,
  {
    /**
     * Has every member execute `data`, once, and gives the result of this one's state machine. May be called on any
     * node. Interrupting it does not take the command back.
     */
    readonly propose: (data: Uint8Array) => Effect.Effect<Proposed, ProposeError>
    /** After it the state machine here has applied all that was committed when it was asked (thesis 6.4). */
    readonly read: Effect.Effect<Index, RequestRefused>
    /** Changes who votes and who listens (thesis 4.3), on the leader; gives the index of the new configuration. */
    readonly changeMembers: (change: MemberChange) => Effect.Effect<Index, ProposeError>
    /** Asks the leader to hand over to `to` (thesis 3.10). Whether it did, `statuses` says. */
    readonly transferLeadership: (to: NodeId) => Effect.Effect<void>
    /** Where the others are, from now on. */
    readonly setPeers: (peers: ReadonlyMap<NodeId, Address>) => Effect.Effect<void>
    /** Another certificate or other authorities, from now on. */
    readonly setIdentity: (identity: TlsIdentity) => Effect.Effect<void, TransportError>
    readonly status: Effect.Effect<Status>
    /** The status, then each later one: at every change of leadership or of members, and from time to time. Who is slow misses some. */
    readonly statuses: Stream.Stream<Status>
    /** Where it listens. */
    readonly address: Address
    /** Fails when the node cannot go on: end the process. What was acknowledged is safe. */
    readonly stopped: Effect.Effect<never, NodeStopped>
  }
>()("@nxmesh/raft/node/RaftNode") {
  /**
   * Starts a node; it fails when the directory, the state machine or the port cannot be used. Closing the scope hands
   * leadership over, flushes, and ends the threads.
   */
  static readonly layer = (settings: RaftNodeSettings): Layer.Layer<RaftNode, NodeStopped> =>
    Layer.effect(RaftNode, startRaftNode(settings))
}

export const startRaftNode = Effect.fnUntraced(function* (
  settings: RaftNodeSettings
): Effect.fn.Return<RaftNode["Service"], NodeStopped, Scope.Scope> {
  const { machine, requestMillis = Limits.thread.requestMillis } = settings
  const events = yield* makeNodeEvents
  const run = yield* FiberSet.makeRuntime<never>()
  const thread = yield* openThread(settings, {
    problem: (message) => void run(Effect.logWarning(`raft: ${message}`)),
    stopped: events.tellStopped
  })
  yield* catchUpWithLog(machine, thread)
  const host = yield* loadHost(machine, {
    tell: (message) => thread.tell(message),
    run: (effect, done) => void run(effect).addObserver(done),
    status: events.tellStatus,
    stopped: events.tellStopped
  })
  const { address, status } = yield* fromThread(() => thread.start(host.applied, (request) => host.hear(request)))
  const first = host.statusOf(status)
  events.tellStatus(first)

  return RaftNode.of({
    propose: (data) => ask((reply: Reply<Proposed>) => host.propose(data, requestMillis, reply), proposeError),
    read: ask((reply: Reply<Index>) => host.read(requestMillis, reply), readError),
    changeMembers: (change) =>
      ask((reply: Reply<Index>) => host.changeMembers(change, requestMillis, reply), proposeError),
    transferLeadership: (to) => Effect.sync(() => host.transferLeadership(to)),
    setPeers: (peers) => Effect.sync(() => thread.setPeers(peers)),
    setIdentity: (identity) => Effect.map(checkIdentity(identity), () => thread.setIdentity(identity)),
    status: Effect.sync(() => events.latest() ?? first),
    statuses: events.statuses,
    address,
    stopped: events.stopped
  })
})

/** Closing the scope hands leadership over, flushes, and ends the thread; as by a crash, when it does not answer. */
const openThread = (settings: RaftNodeSettings, listener: NodeThreadListener) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const { directory, fileSystemModule = null, log = Limits.storage, network, options, peers } = settings
      return new NodeThread({ directory, fileSystemModule, log, network, options, peers }, listener)
    }),
    (thread) =>
      fromThread(() => thread.close()).pipe(
        Effect.timeout(Limits.thread.closeMillis),
        // Whoever waits for `stopped` was told.
        Effect.catchTag("NodeStopped", () => Effect.void),
        Effect.catch((cause) => Effect.logWarning("raft: the node ends as by a crash, which loses nothing", cause)),
        Effect.andThen(Effect.promise(() => thread.terminate()))
      )
  )

const fromThread = <A>(ask: () => Promise<A>): Effect.Effect<A, NodeStopped> =>
  Effect.tryPromise({ try: ask, catch: (cause) => cause as NodeStopped })

/** What the state machine lacks may be gone from the log: then it starts from the snapshot, as a follower does. */
const catchUpWithLog = Effect.fnUntraced(function* (machine: StateMachine, thread: NodeThread) {
  const { base, snapshot } = yield* fromThread(() => thread.recovered())
  const { applied } = yield* Effect.try({ try: () => machine.load(), catch: machineFailed("load its state") })
  if (applied >= base || snapshot === null) return
  const { bytes, metadata } = snapshot
  const read = (offset: number, bytesMax: number) => fromThread(() => thread.readSnapshot(snapshot, offset, bytesMax))
  yield* Effect.logInfo(
    `raft: the state machine has applied ${applied}: it starts from the snapshot of ${metadata.index}`
  )
  yield* machine
    .restore({ index: metadata.index, bytes, read, close: Effect.void })
    .pipe(Effect.mapError(machineFailed("start from the snapshot")))
})

const loadHost = (machine: StateMachine, ports: HostPorts) =>
  Effect.try({ try: () => new Host(machine, ports), catch: machineFailed("load its state") })

const machineFailed =
  (task: string) =>
  (cause: unknown): NodeStopped =>
    cause instanceof NodeStopped
      ? cause
      : new NodeStopped({
          reason: "HostFailed",
          detail: `the state machine cannot ${task}: ${cause instanceof Error ? cause.message : String(cause)}`,
          cause
        })

const checkIdentity = (identity: TlsIdentity): Effect.Effect<void, TransportError> =>
  Effect.try({ try: () => void secureContext(identity), catch: (cause) => cause as TransportError })

const ask = <A, E>(request: (reply: Reply<A>) => void, errorOf: (failure: Failure) => E): Effect.Effect<A, E> =>
  Effect.callback<A, E>((resume) =>
    request((outcome) =>
      resume(outcome._tag === "Done" ? Effect.succeed(outcome.value) : Effect.fail(errorOf(outcome)))
    )
  )
