/**
 * What passes between the Raft thread (Replica.ts) and the host's thread, which owns the state machine (Host.ts). Each
 * side sends without waiting; both directions keep their order.
 */
import type { Accepted } from "../core/Ready.ts"
import type { Entry, Index, NodeId, Snapshot } from "../core/Types.ts"
import type { Failure } from "../transport/Call.ts"
import type { ReplicaStatus } from "./Status.ts"

export type { Failure }

/** Numbers what the host asks, in one run of the node. */
export type RequestId = number
/** Numbers the calls of clients that came over the network, in one run of the node. */
export type CallId = number

/** Whoever proposed the entry at `index` waits for its result: a fiber of the host, or a client on the network. */
export interface Waiter {
  readonly index: Index
  readonly to: "host" | "call"
  /** A RequestId or a CallId. */
  readonly id: number
}

/** How applying one command ended. */
export type Outcome = { readonly _tag: "Applied"; readonly index: Index; readonly result: Uint8Array } | Rejection

/**
 * Nothing was executed at this index. Of an earlier copy it is not known, and a later one may be, unless there is none:
 * so this is `Refused` for what was proposed once, else `Unknown`.
 */
export type Rejection =
  /** The session is not there any more. */
  | { readonly _tag: "SessionExpired"; readonly index: Index }
  /** It was executed, and whoever proposed had said that it has the answer. */
  | { readonly _tag: "AnswerForgotten"; readonly index: Index }
  /** The session's answers are as many as are kept: some have to be acknowledged first. */
  | { readonly _tag: "TooManyAnswers"; readonly index: Index }

/** From the Raft thread. */
export type HostRequest =
  /** Answered by `applied`. */
  | { readonly kind: "apply"; readonly entries: ReadonlyArray<Entry>; readonly waiters: ReadonlyArray<Waiter> }
  /** A proposal, a read or a change of members of the host failed. */
  | { readonly kind: "failed"; readonly request: RequestId; readonly failure: Failure }
  /** A read of the host may be answered once `index` is applied. */
  | { readonly kind: "read"; readonly request: RequestId; readonly index: Index }
  /** A change of members of the host is committed. */
  | { readonly kind: "changed"; readonly request: RequestId; readonly accepted: Accepted }
  /** Questions of clients, to be answered by `answers` once `index` is applied. */
  | {
      readonly kind: "query"
      readonly index: Index
      readonly questions: ReadonlyArray<{ readonly call: CallId; readonly data: Uint8Array }>
    }
  /**
   * Answered by `snapshotBegin`, then a chunk for each `snapshotWanted`, with `snapshotEnd` right after the last one (for
   * an empty snapshot: after `snapshotBegin`); or by `snapshotFailed`. This and `install` end one that is under way.
   */
  | { readonly kind: "takeSnapshot" }
  /** The next chunk may come, from this offset on. */
  | { readonly kind: "snapshotWanted"; readonly offset: number; readonly bytesMax: number }
  /** A snapshot came from the leader: read it with `snapshotRead`, replace the state by it, answer `installed`. */
  | { readonly kind: "install"; readonly snapshot: Snapshot }
  /** Answers `snapshotRead`. */
  | { readonly kind: "snapshotData"; readonly data: Uint8Array }
  /** To be answered at once by `pong`: whether this thread is blocked. */
  | { readonly kind: "ping"; readonly number: number }
  | { readonly kind: "status"; readonly status: ReplicaStatus }
  /** The node cannot go on: the process has to end. */
  | { readonly kind: "stopped"; readonly failure: Error }

/** To the Raft thread. */
export type HostMessage =
  | { readonly kind: "propose"; readonly request: RequestId; readonly data: Uint8Array; readonly timeoutMillis: number }
  | { readonly kind: "read"; readonly request: RequestId; readonly timeoutMillis: number }
  | {
      readonly kind: "changeMembers"
      readonly request: RequestId
      readonly voters: ReadonlyArray<NodeId>
      readonly learners: ReadonlyArray<NodeId>
      readonly expectedIndex: Index | null
      readonly timeoutMillis: number
    }
  | { readonly kind: "transferLeadership"; readonly to: NodeId }
  | {
      readonly kind: "applied"
      readonly index: Index
      /** What the clients of the network that waited for entries of the batch get. */
      readonly outcomes: ReadonlyArray<{ readonly call: CallId; readonly outcome: Outcome }>
      /** Proposals of the host without a result: the Raft thread tells what becomes of them, by `failed`. */
      readonly rejected: ReadonlyArray<{ readonly request: RequestId; readonly outcome: Rejection }>
    }
  | {
      readonly kind: "answers"
      readonly answers: ReadonlyArray<{ readonly call: CallId; readonly index: Index; readonly data: Uint8Array }>
    }
  | { readonly kind: "snapshotBegin"; readonly index: Index; readonly bytes: number }
  | { readonly kind: "snapshotChunk"; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: "snapshotEnd" }
  | { readonly kind: "snapshotFailed"; readonly message: string }
  | { readonly kind: "snapshotRead"; readonly offset: number; readonly bytesMax: number }
  /** The state is the snapshot's. */
  | { readonly kind: "installed"; readonly index: Index }
  | { readonly kind: "pong"; readonly number: number }
  /** The state machine failed: the node stops. */
  | { readonly kind: "hostFailed"; readonly message: string }
