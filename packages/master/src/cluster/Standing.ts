/** Whether this master still belongs to its cluster. One that was removed serves nobody, and must say so and end. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Context, Data, type Effect } from "effect"

/** Nothing of the cluster is lost by it, and nothing here is deleted. */
export class RemovedFromCluster extends Data.TaggedError("RemovedFromCluster")<{
  readonly masterId: MasterId
  readonly dataDirectory: string
}> {
  override get message() {
    return (
      `this master (${this.masterId}) was removed from its cluster and stops. To add the machine again, move ` +
      `${this.dataDirectory} away, and start with NXMESH_JOIN and a new NXMESH_JOIN_TOKEN: it joins as another master`
    )
  }
}

export class Standing extends Context.Service<
  Standing,
  {
    /** Fails when this master was removed, and never ends otherwise: the program must stop then. */
    readonly removed: Effect.Effect<never, RemovedFromCluster>
  }
>()("@nxmesh/master/cluster/Standing") {}

export interface StandingView {
  /** Raft knows that a committed configuration is without this master. */
  readonly isOut: boolean
  /** No leader has been known for a while. */
  readonly isLost: boolean
  /** A member that was asked said that this master was removed. */
  readonly isToldRemoved: boolean
}

/**
 * Pure. That the table is without this master is not enough: its vote may be needed until Raft's configuration is without
 * it too. Raft tells it of that, when it can; to one that was away then, and whose address nobody knows any more, another
 * master's word has to be enough.
 */
export const isRemoved = ({ isLost, isOut, isToldRemoved }: StandingView): boolean => isOut || (isLost && isToldRemoved)
