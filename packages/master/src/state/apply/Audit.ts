/**
 * Who did what, in the order of the log. Each row's hash covers the row before it, so that no row can be changed,
 * removed or slipped in without every later hash telling.
 */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import { principalName } from "@nxmesh/protocol/Principal"
import type { AuditSubject, Transaction } from "./Transaction.ts"

/** Fields that hold a secret, sealed or hashed, or would help to guess one. */
const secretFields: ReadonlySet<string> = new Set([
  "password_hash",
  "private_key",
  "private_jwk",
  "ca_private_key",
  "sealed_token",
  "sealed_next",
  "session_key",
  "token_hash",
  "refresh_hash"
])
const mask = "<masked>"

/** The value with every secret masked. A change of a secret still shows: both sides are there. */
export const masked = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, secretFields.has(name) ? mask : masked(field)])
  )
}

export interface AuditRow {
  readonly entry: number
  readonly at: string
  readonly principal: string
  readonly command: string
  readonly kind: string | null
  readonly resource_id: string | null
  readonly before: string | null
  readonly after: string | null
  readonly remote_address: string | null
  /** `accepted`, or the code of the rejection. */
  readonly outcome: string
  readonly previous_hash: string
}

/** The hash of the row before the first. */
export const auditAnchor = "0".repeat(64)

export const auditHash = (row: AuditRow): string =>
  sha256Hex(
    canonicalJson({
      entry: row.entry,
      at: row.at,
      principal: row.principal,
      command: row.command,
      kind: row.kind,
      resource_id: row.resource_id,
      before: row.before,
      after: row.after,
      remote_address: row.remote_address,
      outcome: row.outcome,
      previous_hash: row.previous_hash
    })
  )

const text = (value: unknown): string | null =>
  value === null || value === undefined ? null : canonicalJson(masked(value))

/** Adds the entry to the chain. `subject` is `null` when the command was refused before it touched anything. */
export const recordAudit = (tx: Transaction, command: string, subject: AuditSubject | null, outcome: string): void => {
  const last = tx.connection.get<{ readonly hash: string }>("SELECT hash FROM audit ORDER BY entry DESC LIMIT 1")
  const row: AuditRow = {
    entry: tx.index,
    at: tx.timestamp,
    principal: principalName(tx.principal),
    command,
    kind: subject?.kind ?? null,
    resource_id: subject?.id ?? null,
    before: text(subject?.before),
    after: text(subject?.after),
    remote_address: tx.remoteAddress,
    outcome,
    previous_hash: last?.hash ?? auditAnchor
  }
  tx.connection.run(
    `INSERT INTO audit (entry, at, principal, command, kind, resource_id, before, after, remote_address, outcome,
       previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    row.entry,
    row.at,
    row.principal,
    row.command,
    row.kind,
    row.resource_id,
    row.before,
    row.after,
    row.remote_address,
    row.outcome,
    row.previous_hash,
    auditHash(row)
  )
}
