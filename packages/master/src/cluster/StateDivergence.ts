/** A master whose state is not that of the others must not go on with it: it says so, and ends. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import { Context, Data, type Effect } from "effect"

/** Nothing of the cluster is lost by it: a majority has the right state, and gives it to this master. */
export class StateDiverged extends Data.TaggedError("StateDiverged")<{
  readonly masterId: MasterId
  readonly dataDirectory: string
  /** Of the log, where the states were compared. */
  readonly entry: number
}> {
  override get message() {
    const { dataDirectory, entry, masterId } = this
    return (
      `the state of this master (${masterId}) differs from that of a majority at entry ${entry}, and it stops. Start it ` +
      `again: it sets its log and state aside in ${dataDirectory}, to be looked at, and takes those of the others`
    )
  }
}

export class StateDivergence extends Context.Service<
  StateDivergence,
  {
    /** Fails when this master's state was found to be wrong, and never ends otherwise: the program must stop then. */
    readonly found: Effect.Effect<never, StateDiverged>
  }
>()("@nxmesh/master/cluster/StateDivergence") {}
