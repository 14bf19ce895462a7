/** How a part of this master asks another master how it is. `peer/` implements it over the agent address of the other one. */
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { Context, Data, type Duration, type Effect } from "effect"

/**
 * The other master did not answer. `Refused`: it did, and will not do it; `Removed`: it does not because this master was
 * removed from the cluster; `OtherMaster`: another one has its address. Everything else may pass by itself.
 */
export class AskFailed extends Data.TaggedError("AskFailed")<{
  readonly reason: "Unknown" | "Unreachable" | "OtherMaster" | "TimedOut" | "Refused" | "Removed" | "Unavailable"
  readonly message: string
}> {}

export class AskMaster extends Context.Service<
  AskMaster,
  { readonly status: (id: MasterId, deadline: Duration.Input) => Effect.Effect<PeerStatus, AskFailed> }
>()("@nxmesh/master/cluster/AskMaster") {}
