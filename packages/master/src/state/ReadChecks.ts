/** The checks of the state that are still remembered (rule 12): those that decide, and the one that is under way. */
import { versionNeeded } from "@nxmesh/protocol/ClusterVersion"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { Connection } from "./Connection.ts"
import type { StateCheck } from "./digest/JudgeDigests.ts"
import type { Digest } from "./digest/RowDigest.ts"
import { putMeta, readMeta } from "./Meta.ts"
import { clusterVersion } from "./ReadCluster.ts"

/** At which cluster version masters check each other's state. */
export const checksSince = versionNeeded({ _tag: "CheckState" })

/** In the order of the log. */
export const stateChecks = (connection: Connection): ReadonlyArray<StateCheck> => {
  if (clusterVersion(connection) < checksSince) return []
  const reports = Map.groupBy(
    connection.all<{ readonly entry: number; readonly master_id: MasterId; readonly digest: Digest }>(
      "SELECT entry, master_id, digest FROM state_reports ORDER BY entry, master_id"
    ),
    ({ entry }) => entry
  )
  return connection
    .all<{ readonly entry: number; readonly voters: string }>("SELECT entry, voters FROM state_checks ORDER BY entry")
    .map(({ entry, voters }) => ({
      entry,
      voters: JSON.parse(voters) as ReadonlyArray<MasterId>,
      reports: new Map((reports.get(entry) ?? []).map(({ digest, master_id }) => [master_id, digest]))
    }))
}

const noteName = "state_check"

/** This master's own digest at the entry of the newest check that it applied; `undefined`: it has applied none. */
export const ownCheck = (connection: Connection): { readonly entry: number; readonly digest: Digest } | undefined => {
  const note = readMeta(connection, noteName)
  const [entry, digest] = note?.split(":") ?? []
  return entry === undefined || digest === undefined ? undefined : { entry: Number(entry), digest }
}

/** Beside the replicated rows, since masters that differ note different digests. */
export const noteOwnCheck = (connection: Connection, entry: number, digest: Digest): void => {
  putMeta(connection, noteName, `${entry}:${digest}`)
}
