/** What this master says of itself when another one asks (`GET /peer/v1/status`). */
import type { PeerStatus } from "@nxmesh/protocol/peer/PeerStatus"
import { Context, type Effect } from "effect"

export class OwnStatus extends Context.Service<OwnStatus, { readonly status: Effect.Effect<PeerStatus> }>()(
  "@nxmesh/master/cluster/OwnStatus"
) {}
