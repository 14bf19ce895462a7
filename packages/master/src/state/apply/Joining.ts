/** How a master becomes a member: a token burned once and bound to the master's own key, or a proof that another master checked. */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { Event } from "@nxmesh/protocol/Event"
import type { JoinToken, StoredMaster } from "@nxmesh/protocol/model/Master"
import { Limits } from "../../Limits.ts"
import { joinToken } from "../ReadCluster.ts"
import { findResource } from "../Resources.ts"
import { addMaster, dropMaster, redescribe } from "./Masters.ts"
import { refuse } from "./Refusal.ts"
import { required } from "./Save.ts"
import type { Applied, Transaction } from "./Transaction.ts"

/** Tokens whose time is over are forgotten, used or not: a master whose answer was lost for so long needs another. */
const forgetExpired = ({ connection, timestamp }: Transaction): void => {
  connection.run("DELETE FROM join_tokens WHERE expires_at <= ?", timestamp)
}

export const createJoinToken = (tx: Transaction, command: CommandOf<"CreateJoinToken">): Applied => {
  const { connection } = tx
  forgetExpired(tx)
  const open = connection.get<{ readonly count: number }>(
    "SELECT count(*) AS count FROM join_tokens WHERE used_at IS NULL"
  )
  if ((open?.count ?? 0) >= Limits.state.openJoinTokensMax) {
    refuse("CONFLICT", `there are ${open?.count} unused join tokens: revoke some first`)
  }
  if (joinToken(connection, "id", command.id) ?? joinToken(connection, "token_hash", command.token_hash)) {
    refuse("CONFLICT", "this join token exists already")
  }
  connection.run(
    "INSERT INTO join_tokens (id, token_hash, created_at, expires_at) VALUES (?, ?, ?, ?)",
    command.id,
    command.token_hash,
    tx.timestamp,
    command.expires_at
  )
  const token: JoinToken = { id: command.id, created_at: tx.timestamp, expires_at: command.expires_at, used_at: null }
  return {
    value: { token, sealed_token: command.sealed_token },
    events: [],
    audit: { kind: "join_token", id: command.id, before: null, after: token }
  }
}

/** Of a used token nothing is taken back: the master that used it is removed by its own command. */
export const revokeJoinToken = (tx: Transaction, { id }: CommandOf<"RevokeJoinToken">): Applied => {
  const before = joinToken(tx.connection, "id", id)
  if (before === undefined) return refuse("NOT_FOUND", `there is no join token ${id}`)
  tx.connection.run("DELETE FROM join_tokens WHERE id = ?", id)
  return { value: null, events: [], audit: { kind: "join_token", id, before, after: null } }
}

interface TokenRow {
  readonly id: string
  readonly expires_at: string
  readonly used_at: string | null
  readonly used_by: string | null
  readonly used_public_key: string | null
}

const refuseToken = (message: string): never => refuse("UNAUTHENTICATED", message, [{ field: "token", message }])

/** Burns the token. The same master with the same key may come again: its answer was lost. */
const spendToken = (tx: Transaction, tokenHash: string, { master, public_key }: CommandOf<"AdmitMaster">): void => {
  const token = tx.connection.get<TokenRow>(
    "SELECT id, expires_at, used_at, used_by, used_public_key FROM join_tokens WHERE token_hash = ?",
    tokenHash
  )
  if (token === undefined) return refuseToken("this join token is unknown, expired or was revoked")
  if (token.used_at !== null) {
    if (token.used_public_key === public_key && token.used_by === master.id) return
    return refuseToken("this join token was used already: make a new one")
  }
  if (token.expires_at <= tx.timestamp) return refuseToken("this join token has expired: make a new one")
  tx.connection.run(
    "UPDATE join_tokens SET used_at = ?, used_by = ?, used_public_key = ? WHERE id = ?",
    tx.timestamp,
    master.id,
    public_key,
    token.id
  )
}

/** The member whose place the new one takes; `undefined` when it took it before. */
const replacedMember = (
  tx: Transaction,
  { master, proof }: CommandOf<"AdmitMaster">,
  member: StoredMaster | undefined
): StoredMaster | undefined => {
  if (proof._tag !== "Certificate" || member !== undefined) return undefined
  if (proof.replaces === master.id) {
    return refuse("CONFLICT", "a master whose state was lost joins under a new id: empty its data directory first", [
      { field: "id", message: "is the replaced master's own" }
    ])
  }
  return required(tx, "master", proof.replaces)
}

/** One key is one master, and stays so: who comes with a member's id and another key is not that member. */
const requireOwnKey = ({ connection }: Transaction, { master, public_key }: CommandOf<"AdmitMaster">): void => {
  const byId = connection.get<{ readonly public_key: string }>(
    "SELECT public_key FROM master_keys WHERE master_id = ?",
    master.id
  )
  const byKey = connection.get<{ readonly master_id: string }>(
    "SELECT master_id FROM master_keys WHERE public_key = ?",
    public_key
  )
  const isMember = findResource(connection, "master", master.id) !== undefined
  if (isMember && byId?.public_key !== public_key) {
    refuse("CONFLICT", `master ${master.id} is a member already, with another key`, [
      { field: "id", message: "is a member's, with another key" }
    ])
  }
  if (byKey !== undefined && byKey.master_id !== master.id) {
    refuse("CONFLICT", `master ${byKey.master_id} has this key: every master makes its own`, [
      { field: "public_key", message: `is master ${byKey.master_id}'s` }
    ])
  }
}

export const admitMaster = (tx: Transaction, command: CommandOf<"AdmitMaster">): Applied => {
  const { master, proof, public_key } = command
  requireOwnKey(tx, command)
  const member = findResource(tx.connection, "master", master.id)
  if (proof._tag === "Token") spendToken(tx, proof.token_hash, command)
  const replaced = replacedMember(tx, command, member)
  const gone: ReadonlyArray<Event> = replaced === undefined ? [] : dropMaster(tx, replaced)
  const { after, events } =
    member === undefined ? addMaster(tx, master, replaced?.voter ?? true) : redescribe(tx, member, master)
  tx.connection.run("INSERT OR IGNORE INTO master_keys (master_id, public_key) VALUES (?, ?)", master.id, public_key)
  const before = replaced ?? member ?? null
  return { value: after, events: [...gone, ...events], audit: { kind: "master", id: master.id, before, after } }
}
