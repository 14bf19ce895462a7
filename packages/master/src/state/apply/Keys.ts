/** Keys that sign tokens, and the mark by which agents' session keys are replaced. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { AgentId } from "@nxmesh/protocol/Ids"
import { Duration } from "effect"
import { Limits } from "../../Limits.ts"
import { clusterVersion } from "../ReadCluster.ts"
import { signingKeys } from "../ReadIdentities.ts"
import { agentKeysBefore } from "../ReadKeys.ts"
import { requireCluster } from "./Cluster.ts"
import { refuse } from "./Refusal.ts"
import { type Applied, timestampOf, type Transaction } from "./Transaction.ts"

/** `created_at` is when it begins to sign: the newest of those that have begun does. */
export const addSigningKey = (tx: Transaction, command: CommandOf<"AddSigningKey">): Applied => {
  const { key_id, private_jwk, public_jwk, signs_after_seconds } = command
  const keys = signingKeys(tx.connection)
  if (keys.some((key) => key.key_id === key_id)) {
    return refuse("CONFLICT", `there is already a signing key ${key_id}`)
  }
  if (keys.length >= Limits.auth.signingKeysMax) {
    refuse("CONFLICT", `there are ${keys.length} signing keys: wait until the oldest is retired`)
  }
  const signs_from = timestampOf(tx.atMillis + Math.max(0, signs_after_seconds) * 1_000)
  tx.connection.run(
    "INSERT INTO signing_keys (key_id, public_jwk, private_jwk, created_at) VALUES (?, ?, ?, ?)",
    key_id,
    JSON.stringify(public_jwk),
    JSON.stringify(private_jwk),
    signs_from
  )
  return {
    value: { key_id, signs_from },
    events: [],
    audit: { kind: "signing_key", id: key_id, before: null, after: { public_jwk, signs_from } }
  }
}

/** What the key signed last has expired when a newer one has signed for as long as a token lasts. */
export const retireSigningKey = (tx: Transaction, { key_id }: CommandOf<"RetireSigningKey">): Applied => {
  const keys = signingKeys(tx.connection)
  const key = keys.find((candidate) => candidate.key_id === key_id)
  if (key === undefined) return { value: null, events: [], audit: null }
  const { accessTokenLifetime, clockSkew } = Limits.auth
  const latest = timestampOf(tx.atMillis - Duration.toMillis(accessTokenLifetime) - 2 * Duration.toMillis(clockSkew))
  if (!keys.some(({ created_at }) => created_at > key.created_at && created_at <= latest)) {
    refuse("CONFLICT", `tokens that key ${key_id} signed may still be good`)
  }
  tx.connection.run("DELETE FROM signing_keys WHERE key_id = ?", key_id)
  tx.connection.run(
    "INSERT INTO retired_signing_keys (key_id, public_jwk, created_at, retired_at) VALUES (?, ?, ?, ?)",
    key_id,
    JSON.stringify(key.public_jwk),
    key.created_at,
    tx.timestamp
  )
  return {
    value: null,
    events: [],
    audit: {
      kind: "signing_key",
      id: key_id,
      before: { public_jwk: key.public_jwk },
      after: { retired_at: tx.timestamp }
    }
  }
}

export const rotateAgentKeys = (tx: Transaction): Applied => {
  const { clusterId } = requireCluster(tx)
  const before = agentKeysBefore(tx.connection)
  tx.connection.run("UPDATE cluster SET agent_keys_before = ?", tx.timestamp)
  return {
    value: { agent_keys_before: tx.timestamp },
    events: [],
    audit: {
      kind: "cluster",
      id: clusterId,
      before: { agent_keys_before: before },
      after: { agent_keys_before: tx.timestamp }
    }
  }
}

/** Since cluster version 4 it is known how old an agent's session key is. */
export const noteAgentKey = ({ connection, timestamp }: Transaction, agentId: AgentId): void => {
  if (clusterVersion(connection) < 4) return
  connection.run("INSERT OR REPLACE INTO agent_key_times (agent_id, rotated_at) VALUES (?, ?)", agentId, timestamp)
}

export const forgetAgentKey = ({ connection }: Transaction, agentId: AgentId): void => {
  if (clusterVersion(connection) < 4) return
  connection.run("DELETE FROM agent_key_times WHERE agent_id = ?", agentId)
}
