/**
 * The vocabulary of the algorithm, in Raft's own words (Ongaro, "Consensus: Bridging Theory and Practice", the thesis
 * below). Plain data: the core imports nothing, so that it can be read, simulated and checked by itself.
 */

/** Random, made in a node's data directory, never reused: a wiped disk is another node. */
export type NodeId = string
/** Starts at 1 with the first election; 0 before it. */
export type Term = number
/** Position in the log; the first entry is 1, 0 is before it. */
export type Index = number

/** What an entry is for. `Empty` opens a leader's term (thesis 6.4), `Configuration` changes the members (thesis 4). */
export type Entry =
  | { readonly kind: "Empty"; readonly term: Term; readonly index: Index }
  | { readonly kind: "Command"; readonly term: Term; readonly index: Index; readonly data: Uint8Array }
  | {
      readonly kind: "Configuration"
      readonly term: Term
      readonly index: Index
      readonly configuration: Configuration
    }

/**
 * Who votes and who only listens. `outgoing` is not empty while a change is joint (thesis 4.3): then both majorities
 * decide. It takes effect when it is appended, and is undone when its entry is truncated.
 */
export interface Configuration {
  readonly voters: ReadonlyArray<NodeId>
  readonly learners: ReadonlyArray<NodeId>
  readonly outgoing: ReadonlyArray<NodeId>
  /** Learners that become so when the joint phase ends: they still vote in `outgoing`. */
  readonly learnersNext: ReadonlyArray<NodeId>
  /** The leader proposes the end of the joint phase by itself. */
  readonly autoLeave: boolean
}

/** Durable before any message that depends on it is sent (thesis figure 3.1). */
export interface HardState {
  readonly term: Term
  readonly vote: NodeId | null
  /** A hint: what is committed is learnt again after a restart. */
  readonly commit: Index
}

/** What a snapshot stands for: every entry up to `index`. */
export interface SnapshotMetadata {
  readonly index: Index
  readonly term: Term
  readonly configuration: Configuration
}

/** Names a proposal or a read of this node, so that its result finds who asked. Never used twice by one node. */
export type Context = string

/** A snapshot that exists in a file. */
export interface Snapshot {
  readonly metadata: SnapshotMetadata
  readonly bytes: number
  /** Of the content, in whatever form storage verifies; the core only compares it. */
  readonly checksum: number
}

/** Says which bytes they are: two nodes' snapshots of one index may differ, and a transfer resumes only the same ones. */
export const snapshotId = ({ metadata, bytes, checksum }: Snapshot): string =>
  `${metadata.term}-${metadata.index}-${bytes}-${checksum}`
