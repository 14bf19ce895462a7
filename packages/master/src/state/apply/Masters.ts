/** Who should be a member of the cluster. The leader makes Raft's configuration follow this. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import type { MasterId } from "@nxmesh/protocol/Ids"
import type { MasterDescription, StoredMaster } from "@nxmesh/protocol/model/Master"
import { Limits } from "../../Limits.ts"
import { clusterState, isRemovedMaster } from "../ReadCluster.ts"
import { findResource, findResourceBy, resourcesBy } from "../Resources.ts"
import { refuse } from "./Refusal.ts"
import { erase, required, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

/** What no two masters may share. The API may listen on every machine's loopback. */
const uniqueFields = ["name", "peer_address", "agent_address"] as const

const requireDistinct = ({ connection }: Transaction, master: MasterDescription): void => {
  const taken = uniqueFields.flatMap((field) => {
    const other = findResourceBy(connection, "master", { [field]: master[field] })
    return other === undefined || other.id === master.id ? [] : [{ field, message: `is used by master ${other.id}` }]
  })
  if (taken.length === 0) return
  const fields = taken.map(({ field }) => field).join(", ")
  refuse("CLASH", `another master has this ${fields}: change the setting, or remove that master first`, taken)
}

/** A build that does not know how the cluster behaves would apply other things than the rest. */
const requireKnowsVersion = ({ connection }: Transaction, { cluster_versions, version }: MasterDescription): void => {
  const now = clusterState(connection)?.clusterVersion
  if (now === undefined || (cluster_versions.lowest <= now && now <= cluster_versions.highest)) return
  const { highest, lowest } = cluster_versions
  refuse(
    "UNPROCESSABLE",
    `the cluster is at version ${now}, and NxMesh ${version} knows ${lowest} to ${highest}: start the version that the other masters run`,
    [{ field: "cluster_versions", message: `must include ${now}` }]
  )
}

const requireRoom = ({ connection }: Transaction): void => {
  const count = connection.get<{ readonly count: number }>("SELECT count(*) AS count FROM masters")?.count ?? 0
  if (count >= Limits.state.mastersMax) {
    refuse("CONFLICT", `a cluster has at most ${Limits.state.mastersMax} masters: remove one first`)
  }
}

interface Described {
  readonly after: StoredMaster
  readonly events: ReadonlyArray<Event>
}

const describe = (
  tx: Transaction,
  before: StoredMaster | undefined,
  master: MasterDescription,
  voter: boolean
): Described => {
  requireKnowsVersion(tx, master)
  requireDistinct(tx, master)
  const { after, changed } = write(tx, "master", before, { ...master, voter })
  const operation = before === undefined ? "create" : "update"
  return { after, events: changed ? [resourceChanged("master", master.id, operation)] : [] }
}

/** Makes the master a member. A removed one never comes back: what it knows of its past votes may be lost. */
export const addMaster = (tx: Transaction, master: MasterDescription, voter = true): Described => {
  if (isRemovedMaster(tx.connection, master.id)) {
    refuse(
      "CONFLICT",
      `master ${master.id} was removed from this cluster: empty its data directory, and it can join as another`,
      [{ field: "id", message: "is a removed master's" }]
    )
  }
  requireRoom(tx)
  return describe(tx, undefined, master, voter)
}

/** A member as it says it is now. */
export const redescribe = (tx: Transaction, before: StoredMaster, master: MasterDescription): Described =>
  describe(tx, before, master, before.voter)

/** A cluster of one from before there were several has no member yet: then the first to speak is the one. */
export const describeMaster = (tx: Transaction, { master }: CommandOf<"DescribeMaster">): Applied => {
  const before = findResource(tx.connection, "master", master.id)
  const isFirst = before === undefined && resourcesBy(tx.connection, "master", {}, 1).length === 0
  if (before === undefined && !isFirst) {
    return refuse("NOT_FOUND", `master ${master.id} is no member of this cluster: it has to join first`)
  }
  if (isFirst && clusterState(tx.connection) === undefined) refuse("CONFLICT", "this cluster is not initialised")
  const { after, events } = before === undefined ? addMaster(tx, master) : redescribe(tx, before, master)
  return { value: after, events, audit: { kind: "master", id: master.id, before: before ?? null, after } }
}

const requireAnotherVoter = ({ connection }: Transaction, id: MasterId, instead: string): void => {
  const other = connection.get("SELECT 1 AS found FROM masters WHERE voter = 1 AND id <> ? LIMIT 1", id)
  if (other === undefined) refuse("CONFLICT", `this is the last master that votes: ${instead}`)
}

export const setMasterVoting = (tx: Transaction, { id, voter }: CommandOf<"SetMasterVoting">): Applied => {
  const before = required(tx, "master", id)
  if (before.voter && !voter) requireAnotherVoter(tx, id, "make another one vote first")
  const { after, changed } = write(tx, "master", before, { ...before, voter })
  const events = changed ? [resourceChanged("master", id, "update")] : []
  return { value: after, events, audit: { kind: "master", id, before, after } }
}

/** Takes a member out, for good: its id is remembered, and what only it had goes with it. */
export const dropMaster = (tx: Transaction, master: StoredMaster): ReadonlyArray<Event> => {
  const { id, voter } = master
  if (voter) requireAnotherVoter(tx, id, "add another one that votes, and wait until it has joined")
  return forget(tx, master)
}

const forget = (tx: Transaction, { id, name }: StoredMaster): ReadonlyArray<Event> => {
  const { connection } = tx
  erase(tx, "master", id)
  connection.run("DELETE FROM master_keys WHERE master_id = ?", id)
  connection.run("DELETE FROM agent_claims WHERE master_id = ?", id)
  connection.run("INSERT INTO removed_masters (id, name, removed_at) VALUES (?, ?, ?)", id, name, tx.timestamp)
  return [resourceChanged("master", id, "delete")]
}

/** All of them, with who might join and who holds which agent: another cluster goes on with the state. */
export const forgetMasters = (tx: Transaction): ReadonlyArray<Event> => {
  const events = resourcesBy(tx.connection, "master", {}).flatMap((master) => forget(tx, master))
  for (const table of ["master_keys", "agent_claims", "join_tokens"]) tx.connection.run(`DELETE FROM ${table}`)
  return events
}

export const removeMaster = (tx: Transaction, { id }: CommandOf<"RemoveMaster">): Applied => {
  const before = required(tx, "master", id)
  if (resourcesBy(tx.connection, "master", {}, 2).length < 2) refuse("CONFLICT", "this is the only master")
  return { value: null, events: dropMaster(tx, before), audit: { kind: "master", id, before, after: null } }
}
