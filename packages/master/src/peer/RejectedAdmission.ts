/** What apply's refusal of a new master means for that master's operator. Pure. */
import type { JoinToken } from "@nxmesh/protocol/model/Master"
import { peerRefused, type PeerRefused } from "@nxmesh/protocol/peer/PeerRefused"
import type { Rejection } from "@nxmesh/protocol/Rejection"

export interface AdmissionFacts {
  /** As stored: `undefined` when it is unknown, or no token was used. */
  readonly token: JoinToken | undefined
  /** The id that the master came with, or that of the member whose place it takes, belonged to one that was removed. */
  readonly removed: boolean
  readonly full: boolean
}

const ofToken = (token: JoinToken | undefined, message: string): PeerRefused => {
  if (token === undefined) return peerRefused("token_unknown", message)
  return peerRefused(token.used_at === null ? "token_expired" : "token_used", message)
}

export const refusalOf = ({ code, details, message }: Rejection, facts: AdmissionFacts): PeerRefused => {
  const fields = new Set(details.map(({ field }) => field))
  switch (code) {
    case "UNAUTHENTICATED":
      return ofToken(facts.token, message)
    case "CLASH":
      return peerRefused(fields.has("name") ? "name_taken" : "address_taken", message)
    case "UNPROCESSABLE":
      return peerRefused(fields.has("cluster_versions") ? "cluster_version" : "rejected", message)
    case "CONFLICT":
      if (facts.removed) return peerRefused("removed", message)
      return peerRefused(facts.full ? "full" : "rejected", message)
    case "NOT_FOUND":
      return facts.removed
        ? peerRefused("removed", "the master whose certificate was shown was removed from this cluster")
        : peerRefused("not_a_member", "the master whose certificate was shown is not a member of this cluster")
    default:
      return peerRefused("rejected", message)
  }
}
