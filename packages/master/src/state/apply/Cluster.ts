/** The first entry of a cluster, and the switches that all of it shares. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import { raiseSchema } from "../Migrations.ts"
import { type ClusterState, clusterState } from "../ReadCluster.ts"
import { resourcesBy } from "../Resources.ts"
import { addMaster, forgetMasters } from "./Masters.ts"
import { refuse } from "./Refusal.ts"
import { write } from "./Save.ts"
import { endEverySession } from "./Sessions.ts"
import type { Applied, Transaction } from "./Transaction.ts"

/** Takes the step to this version, which follows the one that the state has. */
const raise = ({ connection }: Transaction, version: number): Event => {
  raiseSchema(connection, version)
  connection.run("UPDATE cluster SET cluster_version = ?", version)
  return { _tag: "ClusterVersionRaised", version }
}

export const initialiseCluster = (tx: Transaction, command: CommandOf<"InitialiseCluster">): Applied => {
  const { connection } = tx
  if (connection.get("SELECT 1 AS found FROM cluster") !== undefined) {
    return refuse("CONFLICT", "this cluster is initialised already")
  }
  connection.run(
    `INSERT INTO cluster (only, cluster_id, ca_certificate_pem, ca_private_key, created_at, epoch, frozen, cluster_version)
     VALUES (1, ?, ?, ?, ?, 1, 0, 1)`,
    command.cluster_id,
    command.ca_certificate_pem,
    JSON.stringify(command.ca_private_key),
    tx.timestamp
  )
  connection.run(
    "INSERT INTO signing_keys (key_id, public_jwk, private_jwk, created_at) VALUES (?, ?, ?, ?)",
    command.signing_key.key_id,
    JSON.stringify(command.signing_key.public_jwk),
    JSON.stringify(command.signing_key.private_jwk),
    tx.timestamp
  )
  write(tx, "user", undefined, command.administrator)
  const begun: Array<Event> = []
  for (let version = 2; version <= (command.cluster_version ?? 1); version += 1) begun.push(raise(tx, version))
  const { master } = command
  return {
    value: { cluster_id: command.cluster_id },
    events: master === undefined ? begun : [...begun, ...addMaster(tx, master).events],
    audit: {
      kind: "cluster",
      id: command.cluster_id,
      before: null,
      after: {
        cluster_id: command.cluster_id,
        administrator: command.administrator.email,
        ...(master === undefined ? {} : { master })
      }
    }
  }
}

/** The cluster, or the refusal that there is none yet. */
export const requireCluster = ({ connection }: Transaction): ClusterState =>
  clusterState(connection) ?? refuse("CONFLICT", "this cluster is not initialised")

const switches = ({ clusterVersion, epoch, freezeReason, frozen }: ClusterState) => ({
  epoch,
  frozen,
  freeze_reason: freezeReason,
  cluster_version: clusterVersion
})

/** What a change of a switch answers and leaves in the audit. */
const switched = (tx: Transaction, before: ClusterState, events: Applied["events"]): Applied => {
  const after = switches(requireCluster(tx))
  return { value: after, events, audit: { kind: "cluster", id: before.clusterId, before: switches(before), after } }
}

const setFrozen = ({ connection }: Transaction, frozen: boolean, reason: string | null): void => {
  connection.run("UPDATE cluster SET frozen = ?, freeze_reason = ?", Number(frozen), reason)
}

/** Freezing what is frozen changes the reason alone; a repeated switch is no error. */
export const setFreeze = (tx: Transaction, { frozen, reason }: CommandOf<"SetFreeze">): Applied => {
  const before = requireCluster(tx)
  setFrozen(tx, frozen, frozen ? reason : null)
  return switched(tx, before, before.frozen === frozen ? [] : [{ _tag: "FreezeChanged", frozen }])
}

/** One step at a time, and only when every member can take it: a member left behind could not go on. */
export const setClusterVersion = (tx: Transaction, { version }: CommandOf<"SetClusterVersion">): Applied => {
  const before = requireCluster(tx)
  if (version === before.clusterVersion) return switched(tx, before, [])
  if (version !== before.clusterVersion + 1) {
    refuse(
      "UNPROCESSABLE",
      `the cluster version is ${before.clusterVersion}, and it goes up by one: ${before.clusterVersion + 1} is next`
    )
  }
  const behind = resourcesBy(tx.connection, "master", {}).filter(
    ({ cluster_versions: { highest, lowest } }) => version < lowest || version > highest
  )
  if (behind.length > 0) {
    refuse(
      "UNPROCESSABLE",
      `not every master knows cluster version ${version}: upgrade ${behind.map(({ name }) => name).join(", ")} first`,
      behind.map(({ id, name, version: build }) => ({ field: "", message: `master ${id} (${name}) is ${build}` }))
    )
  }
  return switched(tx, before, [raise(tx, version)])
}

const epochReasons = {
  restored: "restored from a backup: look at what would be deployed, then unfreeze",
  recovered: "recovered after a lost quorum: look at what would be deployed, then unfreeze"
} as const

/**
 * Agents follow this cluster's directives again from the first, and nothing is deployed until someone looked (rule 20).
 * With `into` the state goes on as another cluster, with one master: whoever comes back of the old one is no member of it.
 */
export const openEpoch = (tx: Transaction, { into, reason }: CommandOf<"OpenEpoch">): Applied => {
  const before = requireCluster(tx)
  const epoch = into?.epoch ?? before.epoch + 1
  if (epoch <= before.epoch) refuse("UNPROCESSABLE", `the epoch is ${before.epoch}, and the next one is above it`)
  tx.connection.run("UPDATE cluster SET epoch = ?", epoch)
  setFrozen(tx, true, epochReasons[reason])
  const begun = into === undefined ? [] : beginAnew(tx, into, reason)
  return switched(tx, before, [...begun, { _tag: "EpochOpened", epoch }, { _tag: "FreezeChanged", frozen: true }])
}

type Successor = NonNullable<CommandOf<"OpenEpoch">["into"]>

const beginAnew = (
  tx: Transaction,
  { cluster_id, master }: Successor,
  reason: CommandOf<"OpenEpoch">["reason"]
): Applied["events"] => {
  tx.connection.run("UPDATE cluster SET cluster_id = ?", cluster_id)
  const gone = forgetMasters(tx)
  const { events } = addMaster(tx, master)
  return [...gone, ...events, ...(reason === "restored" ? distrustTheCopy(tx) : [])]
}

/** A copy of before knows nothing of who logged out and which tokens were used since: they would be good again. */
const distrustTheCopy = (tx: Transaction): Applied["events"] => {
  tx.connection.run("DELETE FROM enrolment_tokens WHERE used_at IS NULL")
  return endEverySession(tx, "restored")
}

/** Changes nothing, but that the audit tells of it: whoever has a backup and the key file has every secret. */
export const recordBackup = (tx: Transaction, { master_id }: CommandOf<"RecordBackup">): Applied => {
  const { clusterId } = requireCluster(tx)
  return {
    value: null,
    events: [],
    audit: { kind: "cluster", id: clusterId, before: null, after: { backup_from: master_id } }
  }
}
