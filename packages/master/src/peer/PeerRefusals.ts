/** Every refusal of a request between masters is counted and said in the log, where an attack or a wrong setting shows. */
import { PeerRefused, type PeerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { Effect } from "effect"
import { peerMetrics } from "./PeerMetrics.ts"

export const makeRecordRefusal = Effect.map(
  peerMetrics,
  ({ refused }) =>
    (
      refusal: PeerRefused | PeerUnavailable,
      where: { readonly remoteAddress: string; readonly masterId?: string | undefined }
    ) =>
      Effect.suspend(() => {
        refused.inc({ reason: refusal.reason })
        return Effect.logWarning("a request of another master was refused", {
          reason: refusal.reason,
          detail: refusal.detail,
          remote_address: where.remoteAddress,
          ...(where.masterId === undefined ? {} : { master_id: where.masterId })
        })
      })
)
