/** The settings of one node. Times are milliseconds, sizes bytes. */
import { defaultOptions } from "../core/Options.ts"
import type { Options } from "../core/Options.ts"
import type { Configuration, NodeId } from "../core/Types.ts"

export interface NodeOptions {
  readonly id: NodeId
  readonly core: Options
  readonly tickMillis: number
  /** The first configuration of a new cluster, the same on each of its nodes; `null`: waits to be added. */
  readonly bootstrap: Configuration | null
  /** A snapshot is taken when the log has grown so much since the last one. */
  readonly snapshotLogBytes: number
  /** So many entries stay in the log behind a snapshot, for followers that are a little late; never more than `snapshotLogBytes`. */
  readonly trailingEntries: number
  /** Past it the leader refuses proposals: snapshots must be failing. */
  readonly logBytesMax: number
  /** A leader whose flush takes longer hands over, and declines to lead until its disk answers. */
  readonly flushStallMillis: number
  /** A leader whose host does not answer, or does not apply, for so long hands over, and declines to lead until it does. */
  readonly hostStallMillis: number
  /** After so long the process ends. */
  readonly hostLostMillis: number
}

/** Heartbeats every 50 ms, elections after 250 to 500 ms: for masters in one data centre. */
export const defaultNodeOptions: Omit<NodeOptions, "id" | "bootstrap"> = {
  core: { ...defaultOptions, commitNoticeTicks: 1 },
  tickMillis: 25,
  snapshotLogBytes: 64 * 1_048_576,
  trailingEntries: 10_000,
  logBytesMax: 512 * 1_048_576,
  flushStallMillis: 2_000,
  hostStallMillis: 5_000,
  hostLostMillis: 15_000
}
