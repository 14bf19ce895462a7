/**
 * The key-encryption key is replaced while everything runs: from `BeginKeyRotation` on masters seal with the new one, and the
 * leader wraps the data keys of all that is there anew, a few to a command. Ciphertexts stay as they are, and so does what
 * agents are given: generations hash versions of secrets, not how they are wrapped (rule 6).
 */
import type { CommandOf } from "@nxmesh/protocol/Command"
import type { RewrappedRow } from "@nxmesh/protocol/CommandParts"
import { digestedTables } from "../digest/DigestedTables.ts"
import { type KeyRotation, keyRotation } from "../ReadKeys.ts"
import { refuse } from "./Refusal.ts"
import type { Applied, Transaction } from "./Transaction.ts"

/** Asked for again, the same rotation goes on. */
export const beginKeyRotation = (tx: Transaction, command: CommandOf<"BeginKeyRotation">): Applied => {
  const { from_key_id, to_key_id } = command
  const before = keyRotation(tx.connection)
  if (from_key_id === to_key_id) {
    refuse("UNPROCESSABLE", "the new key is the one that seals already: put another one into the next key file")
  }
  if (before !== undefined && before.ended_at === null) {
    if (before.to_key_id !== to_key_id) {
      refuse("CONFLICT", `the rotation to key ${before.to_key_id} is under way: wait until it has ended`)
    }
    return { value: before, events: [], audit: null }
  }
  tx.connection.run(
    `INSERT OR REPLACE INTO key_rotation (only, from_key_id, to_key_id, begun_at, rewrapped, ended_at)
       VALUES (1, ?, ?, ?, 0, NULL)`,
    from_key_id,
    to_key_id,
    tx.timestamp
  )
  const after = keyRotation(tx.connection)
  return {
    value: after,
    events: [],
    audit: { kind: "encryption_key", id: to_key_id, before: { key_id: from_key_id }, after: { key_id: to_key_id } }
  }
}

const requireUnderWay = (tx: Transaction, toKeyId: string): KeyRotation => {
  const found = keyRotation(tx.connection)
  if (found === undefined || found.ended_at !== null || found.to_key_id !== toKeyId) {
    return refuse("CONFLICT", `no rotation to key ${toKeyId} is under way`)
  }
  return found
}

interface Sealed {
  key_id: string
  wrapped_key: string
}

const isSealed = (value: object): value is Sealed =>
  "key_id" in value && "wrapped_key" in value && "ciphertext" in value

/** The text with every data key that is named wrapped anew, and how many were. What changed meanwhile is left as it is. */
const withWrapped = (
  text: string,
  { wrapped }: RewrappedRow,
  { from_key_id, to_key_id }: CommandOf<"RewrapSecrets">
): { readonly text: string; readonly count: number } => {
  const anew = new Map(wrapped.map(({ after, before }) => [before, after]))
  let count = 0
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return
    if (isSealed(value) && value.key_id === from_key_id) {
      const after = anew.get(value.wrapped_key)
      if (after === undefined) return
      value.key_id = to_key_id
      value.wrapped_key = after
      count += 1
      return
    }
    Object.values(value).forEach(walk)
  }
  const value: unknown = JSON.parse(text)
  walk(value)
  return { text: count === 0 ? text : JSON.stringify(value), count }
}

/** Names come from the log, and become part of a statement: only those of the schema do. */
const statementPart = (tx: Transaction, { column, key, table }: RewrappedRow): string => {
  const found = digestedTables(tx.connection).find(({ name }) => name === table)
  const names = [column, ...Object.keys(key)]
  if (found === undefined || table === "audit" || !names.every((name) => found.columns.includes(name))) {
    return refuse("UNPROCESSABLE", `the state has no table ${table} with the columns ${names.join(", ")}`)
  }
  return Object.keys(key)
    .map((name) => `"${name}" = ?`)
    .join(" AND ")
}

export const rewrapSecrets = (tx: Transaction, command: CommandOf<"RewrapSecrets">): Applied => {
  requireUnderWay(tx, command.to_key_id)
  let rewrapped = 0
  for (const row of command.rows) {
    const where = statementPart(tx, row)
    const keys = Object.values(row.key)
    const found = tx.connection.get<{ readonly text: string | null }>(
      `SELECT "${row.column}" AS text FROM "${row.table}" WHERE ${where}`,
      ...keys
    )
    if (found === undefined || found.text === null) continue
    const { count, text } = withWrapped(found.text, row, command)
    if (count === 0) continue
    rewrapped += count
    tx.connection.run(`UPDATE "${row.table}" SET "${row.column}" = ? WHERE ${where}`, text, ...keys)
  }
  tx.connection.run("UPDATE key_rotation SET rewrapped = rewrapped + ?", rewrapped)
  return { value: { rewrapped }, events: [], audit: null }
}

export const endKeyRotation = (tx: Transaction, { to_key_id }: CommandOf<"EndKeyRotation">): Applied => {
  const before = requireUnderWay(tx, to_key_id)
  tx.connection.run("UPDATE key_rotation SET ended_at = ?", tx.timestamp)
  const after = keyRotation(tx.connection)
  return { value: after, events: [], audit: { kind: "encryption_key", id: to_key_id, before, after } }
}
