/**
 * How the cluster stands at this moment, as this master can find out: what Raft says here, and what the other masters
 * say when they are asked. Who should be a member is replicated state (`Reads.masters`), and not told here.
 */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Context, type Effect } from "effect"

/** One master as it was last found. */
export interface LiveMaster {
  readonly id: MasterId
  /** False when it does not answer, or answers that something is wrong with it. */
  readonly healthy: boolean
  /** Why it is not healthy, in one sentence for the operator; `null` when it is. */
  readonly problem: string | null
  /** Index of the last entry of its log; `null` when nobody knows. */
  readonly lastIndex: number | null
  /** Index of the last entry that its state holds; `null` when nobody knows. */
  readonly appliedIndex: number | null
  /** Of the build that runs, as in `0.1.0`; `null` when it did not answer. */
  readonly version: string | null
  /** Of the file system that holds its data; `null` when it did not answer. */
  readonly disk: {
    /** What the master's data directory takes. */
    readonly dataBytes: number
    readonly freeBytes: number
  } | null
}

/** Whether the master runs: one with a full disk is not healthy, and yet counts for majorities. */
export const isAlive = ({ healthy, version }: Pick<LiveMaster, "healthy" | "version">): boolean =>
  healthy || version !== null

/** The cluster as one master finds it. */
export interface LiveStatus {
  /** The master that says this. */
  readonly id: MasterId
  readonly term: number
  /** `null` while none is known: nothing can be written then. */
  readonly leaderId: MasterId | null
  readonly commitIndex: number
  readonly appliedIndex: number
  /** Raft's configuration as this master has it: who counts for majorities now, and who listens. */
  readonly voters: ReadonlyArray<MasterId>
  readonly learners: ReadonlyArray<MasterId>
  /** This master, every other one of Raft's configuration, and every other one that should be a member. */
  readonly masters: ReadonlyMap<MasterId, LiveMaster>
  /** Sentences of tasks that watch the cluster, as in a master that has been dead for long. Shown with the advice. */
  readonly warnings: ReadonlyArray<string>
}

export class ClusterStatus extends Context.Service<
  ClusterStatus,
  {
    /** Answers within seconds, whoever is away; what the others said may be a second old. */
    readonly status: Effect.Effect<LiveStatus>
    /** Asks the leader to hand over to this voter. Whether it did, a later `status` says. */
    readonly handOver: (to: MasterId) => Effect.Effect<void>
  }
>()("@nxmesh/master/cluster/ClusterStatus") {}
