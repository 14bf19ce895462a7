/** How an agent gets its identity: a token burned once, bound to the agent's own public key, and its session keys. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { AgentId } from "@nxmesh/protocol/Ids"
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { Limits as ProtocolLimits } from "@nxmesh/protocol/Limits"
import type { AgentFacts, EnrolmentToken, StoredAgent } from "@nxmesh/protocol/model/Agent"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import type { Labels } from "@nxmesh/protocol/model/Text"
import { Limits } from "../../Limits.ts"
import { findResource } from "../Resources.ts"
import { agentPlace } from "./Agents.ts"
import { requireAgentFits } from "./ClashCheck.ts"
import { noteAgentKey } from "./Keys.ts"
import { refuse } from "./Refusal.ts"
import { required, requireWorkspace, resourceChanged, write } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

export const createEnrolmentToken = (tx: Transaction, command: CommandOf<"CreateEnrolmentToken">): Applied => {
  const agent = required(tx, "agent", command.agent_id)
  const { connection } = tx
  connection.run(
    "DELETE FROM enrolment_tokens WHERE agent_id = ? AND used_at IS NULL AND expires_at <= ?",
    agent.id,
    tx.timestamp
  )
  const open = connection.get<{ readonly count: number }>(
    "SELECT count(*) AS count FROM enrolment_tokens WHERE agent_id = ? AND used_at IS NULL",
    agent.id
  )
  if ((open?.count ?? 0) >= Limits.state.openTokensPerAgentMax) {
    refuse("CONFLICT", `this agent has ${open?.count} unused enrolment tokens: revoke some first`)
  }
  if (
    connection.get(
      "SELECT 1 AS found FROM enrolment_tokens WHERE id = ? OR token_hash = ?",
      command.id,
      command.token_hash
    ) !== undefined
  ) {
    refuse("CONFLICT", "this enrolment token exists already")
  }
  connection.run(
    "INSERT INTO enrolment_tokens (id, agent_id, token_hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
    command.id,
    agent.id,
    command.token_hash,
    tx.timestamp,
    command.expires_at
  )
  const token: EnrolmentToken = {
    id: command.id,
    agent_id: agent.id,
    created_at: tx.timestamp,
    expires_at: command.expires_at,
    used_at: null
  }
  return {
    value: { token, sealed_token: command.sealed_token },
    events: [resourceChanged("agent", agent.id, "update", agentPlace(tx, agent))],
    audit: { kind: "enrolment_token", id: command.id, before: null, after: token }
  }
}

interface TokenRow {
  readonly id: string
  readonly agent_id: AgentId
  readonly expires_at: string
  readonly used_at: string | null
  readonly used_public_key: string | null
}

export const revokeEnrolmentToken = (tx: Transaction, command: CommandOf<"RevokeEnrolmentToken">): Applied => {
  const row = tx.connection.get<TokenRow>(
    "SELECT id, agent_id, expires_at, used_at, used_public_key FROM enrolment_tokens WHERE id = ?",
    command.id
  )
  if (row === undefined) return refuse("NOT_FOUND", `there is no enrolment token ${command.id}`)
  tx.connection.run("DELETE FROM enrolment_tokens WHERE id = ?", command.id)
  const before = { id: row.id, agent_id: row.agent_id, expires_at: row.expires_at, used_at: row.used_at }
  return { value: null, events: [], audit: { kind: "enrolment_token", id: command.id, before, after: null } }
}

interface KeysRow {
  readonly public_key: string
  readonly primary_id: string
  readonly primary_key: string
}
const keysOf = ({ connection }: Transaction, agentId: AgentId): KeysRow | undefined =>
  connection.get<KeysRow>("SELECT public_key, primary_id, primary_key FROM agent_keys WHERE agent_id = ?", agentId)

const parseSecret = (text: string): SealedSecret => JSON.parse(text) as SealedSecret

/** The answer of an enrolment: who the agent is, and the key it signs with (sealed). */
const enrolled = (agent: unknown, keyId: string, key: SealedSecret) => ({
  agent,
  session_key: { key_id: keyId, key }
})

/**
 * An agent's own labels come under those that an administrator gave it, and only when it enrols for the first time:
 * bundles carry private keys, so later an agent must not move itself to another selector.
 */
const labelsAtEnrolment = (before: StoredAgent, facts: AgentFacts): Labels => {
  const labels = before.enrolled_at === null ? { ...facts.labels, ...before.labels } : before.labels
  const count = Object.keys(labels).length
  return count <= ProtocolLimits.labelsMax
    ? labels
    : refuse(
        "CONFLICT",
        `the agent would have ${count} labels, and ${ProtocolLimits.labelsMax} are allowed: remove some`
      )
}

export const enrolAgent = (tx: Transaction, command: CommandOf<"EnrolAgent">): Applied => {
  const { connection } = tx
  const token = connection.get<TokenRow>(
    "SELECT id, agent_id, expires_at, used_at, used_public_key FROM enrolment_tokens WHERE token_hash = ?",
    command.token_hash
  )
  if (token === undefined) return refuse("UNAUTHENTICATED", "this enrolment token is unknown or was revoked")
  const before = findResource(connection, "agent", token.agent_id)
  if (before === undefined) return refuse("UNAUTHENTICATED", "the agent of this enrolment token no longer exists")
  if (token.used_at !== null) {
    const keys = keysOf(tx, token.agent_id)
    if (token.used_public_key !== command.public_key || keys?.public_key !== command.public_key) {
      return refuse("UNAUTHENTICATED", "this enrolment token was used already: make a new one")
    }
    return { value: enrolled(before, keys.primary_id, parseSecret(keys.primary_key)), events: [], audit: null }
  }
  if (token.expires_at <= tx.timestamp) refuse("UNAUTHENTICATED", "this enrolment token has expired: make a new one")
  connection.run(
    "UPDATE enrolment_tokens SET used_at = ?, used_public_key = ? WHERE id = ?",
    tx.timestamp,
    command.public_key,
    token.id
  )
  connection.run(
    "INSERT OR REPLACE INTO agent_keys (agent_id, public_key, primary_id, primary_key) VALUES (?, ?, ?, ?)",
    before.id,
    command.public_key,
    command.session_key.key_id,
    JSON.stringify(command.session_key.key)
  )
  noteAgentKey(tx, before.id)
  const { after } = write(tx, "agent", before, {
    ...before,
    labels: labelsAtEnrolment(before, command.facts),
    facts: command.facts,
    ip_address: command.ip_address,
    enrolled_at: tx.timestamp
  })
  const relabelled = canonicalJson(before.labels) !== canonicalJson(after.labels)
  if (relabelled) requireAgentFits(tx, after, requireWorkspace(tx, after.workspace_id, before))
  return {
    value: enrolled(after, command.session_key.key_id, command.session_key.key),
    events: [
      resourceChanged("agent", after.id, "update", agentPlace(tx, after)),
      { _tag: "AgentEnrolled", agent_id: after.id },
      ...(relabelled ? [{ _tag: "BundlesChanged", agent_ids: [after.id] } as const] : [])
    ],
    audit: { kind: "agent", id: after.id, before, after }
  }
}

/** The same rotation again is a no-op, so that a retried call does not lose the secondary key. */
export const rotateAgentKey = (tx: Transaction, command: CommandOf<"RotateAgentKey">): Applied => {
  const agent = required(tx, "agent", command.agent_id)
  const keys = keysOf(tx, agent.id)
  if (keys === undefined) return refuse("CONFLICT", "this agent has not enrolled yet")
  const { key, key_id } = command.session_key
  if (keys.primary_id === key_id) {
    return { value: { session_key: { key_id, key: parseSecret(keys.primary_key) } }, events: [], audit: null }
  }
  tx.connection.run(
    "UPDATE agent_keys SET primary_id = ?, primary_key = ?, secondary_id = ?, secondary_key = ? WHERE agent_id = ?",
    key_id,
    JSON.stringify(key),
    keys.primary_id,
    keys.primary_key,
    agent.id
  )
  noteAgentKey(tx, agent.id)
  return {
    value: { session_key: { key_id, key } },
    events: [resourceChanged("agent", agent.id, "update", agentPlace(tx, agent))],
    audit: { kind: "agent", id: agent.id, before: { key_id: keys.primary_id }, after: { key_id } }
  }
}
