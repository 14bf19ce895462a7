/** Every refusal of a request between masters is counted and said in the log, where an attack or a wrong setting shows. */
import { PeerRefused, type PeerUnavailable } from "@nxmesh/protocol/peer/PeerRefused"
import { Clock, Duration, Effect } from "effect"
import { Limits } from "../Limits.ts"
import { JoinRate } from "./JoinRate.ts"
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

/** For questions that a master asks several times a second: each refusal is counted, and one from an address in a while is said. */
export const makeRecordRepeatedRefusal = Effect.gen(function* () {
  const { refused } = yield* peerMetrics
  const record = yield* makeRecordRefusal
  const said = new JoinRate({
    attemptsMax: 1,
    windowMillis: Duration.toMillis(Limits.joining.waitLogged),
    addressesMax: Limits.peer.joinAddressesMax
  })
  return Effect.fnUntraced(function* (
    refusal: PeerRefused | PeerUnavailable,
    where: { readonly remoteAddress: string }
  ) {
    if (said.take(where.remoteAddress, yield* Clock.currentTimeMillis)) return yield* record(refusal, where)
    refused.inc({ reason: refusal.reason })
  })
})
