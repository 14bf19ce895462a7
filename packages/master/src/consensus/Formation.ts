/**
 * Which way a data directory starts: it holds an identity, or it is about to get one (design-cluster.md 18). An identity
 * overrides every setting about joining, so a restart never changes what a master belongs to.
 */
import type { JoinProof } from "../joining/JoinCluster.ts"
import type { SettingsShape } from "../Settings.ts"

/** What lies in the data directory. */
export interface DirectoryFacts {
  /** `node.json`: who this master is. */
  readonly identity: boolean
  /** `forming.json`: a cluster of its own that the state does not hold yet. */
  readonly forming: boolean
  /** `joining.json`: a cluster was asked to let it in, and its answer is not here. */
  readonly joining: boolean
  /** `rejoining.json`: it takes its own place as another one, and the answer is not here. */
  readonly rejoining: boolean
  /** `log/`: the command log of a master before Raft. */
  readonly commandLog: boolean
  /** Raft's log, or a state that holds a cluster. */
  readonly content: boolean
}

export type JoinSettings = Pick<SettingsShape, "bootstrapExpect" | "clusterSecretFile" | "join" | "joinToken">

export type Formation =
  | { readonly _tag: "Start" }
  /** Gives a single master of before its identity, and its log to Raft. Goes on where it was cut short. */
  | { readonly _tag: "Convert" }
  /** Makes a cluster of its own, or goes on with making it. */
  | { readonly _tag: "MakeCluster" }
  | { readonly _tag: "Join"; readonly proof: JoinProof }
  /** Takes its own place in the cluster under another identity. */
  | { readonly _tag: "Rejoin" }
  | { readonly _tag: "Refuse"; readonly problem: string }

const refuse = (problem: string): Formation => ({ _tag: "Refuse", problem })

/** Pure. */
export const formationOf = (facts: DirectoryFacts, settings: JoinSettings): Formation => {
  if (facts.commandLog) return { _tag: "Convert" }
  if (facts.rejoining) return { _tag: "Rejoin" }
  if (facts.identity) return { _tag: "Start" }
  if (facts.forming) return { _tag: "MakeCluster" }
  if (facts.content) {
    return refuse(
      "the data directory holds a cluster's data, and node.json, which says who this master is, is missing: " +
        "put it back from a backup, or start with an empty data directory and join the cluster as another master"
    )
  }
  return settings.join.length === 0 ? alone(facts, settings) : joining(settings)
}

const alone = ({ joining }: DirectoryFacts, { bootstrapExpect, joinToken }: JoinSettings): Formation => {
  if (joinToken !== null) return refuse("NXMESH_JOIN_TOKEN is set, and NXMESH_JOIN does not say where to join")
  if (bootstrapExpect !== null) {
    return refuse("NXMESH_BOOTSTRAP_EXPECT is set, and NXMESH_JOIN does not name the masters that form the cluster")
  }
  if (joining) {
    return refuse(
      "this master had asked a cluster to let it in, and may be a member already: set NXMESH_JOIN as before, or " +
        "remove joining.json from the data directory to make a cluster of its own"
    )
  }
  return { _tag: "MakeCluster" }
}

const joining = ({
  bootstrapExpect: expect,
  clusterSecretFile: secretFile,
  joinToken: token
}: JoinSettings): Formation => {
  if (token !== null && expect !== null) {
    return refuse("NXMESH_JOIN_TOKEN joins a cluster that stands, NXMESH_BOOTSTRAP_EXPECT forms one: set one of them")
  }
  if (token !== null) return { _tag: "Join", proof: { _tag: "Token", token } }
  if (secretFile !== null) return { _tag: "Join", proof: { _tag: "ClusterSecret", secretFile, expect } }
  return refuse(
    "NXMESH_JOIN needs NXMESH_JOIN_TOKEN or NXMESH_CLUSTER_SECRET_FILE: why should the cluster let this master in?"
  )
}
