/** What a member's refusal means for the operator of the master that wants to join. Pure. */
import type { PeerRefused } from "@nxmesh/protocol/peer/PeerRefused"
import { JoinError } from "./JoinCluster.ts"

type Reason = JoinError["reason"]

/** What to do, for each reason; the member's own sentence comes before it. */
const advice: Readonly<Record<string, readonly [Reason, string]>> = {
  token_unknown: [
    "TokenRefused",
    "Make a token on a member (nxmesh cluster token create) and set it as NXMESH_JOIN_TOKEN"
  ],
  token_expired: [
    "TokenRefused",
    "Make another token on a member (nxmesh cluster token create) and set it as NXMESH_JOIN_TOKEN"
  ],
  token_used: [
    "TokenRefused",
    "Another master joined with it: every master needs a token of its own (nxmesh cluster token create)"
  ],
  cluster_secret: ["SecretRefused", "Check NXMESH_CLUSTER_SECRET_FILE on this master and on the members"],
  key_file: ["WrongKeyFile", "Copy the key file of a member here, mode 0600, and name it with NXMESH_SECRETS_KEY_FILE"],
  name_taken: ["NameTaken", "Set NXMESH_NODE_NAME to a name that no other master has"],
  address_taken: [
    "AddressTaken",
    "Set NXMESH_ADVERTISE_PEER and NXMESH_ADVERTISE_AGENT to this master's own addresses"
  ],
  address_unspecific: [
    "Settings",
    "Set NXMESH_ADVERTISE_PEER and NXMESH_ADVERTISE_AGENT on that master to addresses by which the others reach it"
  ],
  cluster_version: ["WrongVersion", "Install the version of NxMesh that the members run"],
  full: ["Full", "Remove a member that is not needed (nxmesh cluster remove)"],
  removed: ["Removed", "Empty this master's data directory, and it can join as another master, with a token"],
  not_a_member: ["Refused", "Empty this master's data directory, and it can join with a token"]
}

export const joinErrorOf = ({ detail, reason }: PeerRefused): JoinError => {
  const [ours, whatToDo] = advice[reason] ?? (["Refused", "Look into the log of that member"] as const)
  return new JoinError({ reason: ours, message: `the cluster does not let this master in: ${detail}. ${whatToDo}` })
}
