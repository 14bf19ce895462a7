/** The immutable history of a resource (CM-003), written with the change itself. */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import { principalName } from "@nxmesh/protocol/Principal"
import { refuse } from "./Refusal.ts"
import type { Transaction } from "./Transaction.ts"
import { comparable } from "./Save.ts"

export interface VersionNote {
  readonly version_id: string
  readonly change_summary: string
  readonly rollback_of?: number | null
}

/** A snapshot holds the content alone: stamps belong to the moment, and a rollback to old content has its old checksum. */
const snapshotOf = (resource: object): string => {
  const content: Record<string, unknown> = { ...resource }
  delete content["created_at"]
  delete content["updated_at"]
  delete content["revision"]
  return canonicalJson(content)
}

/**
 * Adds the next version; `null` data says that the resource was deleted. A certificate's checksum leaves out the
 * sealed key, as its answers do, and counts its `secret_version_id`.
 */
export const addVersion = (
  tx: Transaction,
  kind: VersionedKind,
  id: string,
  note: VersionNote,
  resource: object | null
): void => {
  if (tx.connection.get("SELECT 1 AS found FROM config_versions WHERE id = ?", note.version_id) !== undefined) {
    refuse("CONFLICT", `there is already a version ${note.version_id}`)
  }
  const last = tx.connection.get<{ readonly last: number | null }>(
    "SELECT max(version_number) AS last FROM config_versions WHERE resource_type = ? AND resource_id = ?",
    kind,
    id
  )
  tx.connection.run(
    `INSERT INTO config_versions (resource_type, resource_id, version_number, id, data, checksum, created_by, created_at,
       change_summary, rollback_of, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    kind,
    id,
    (last?.last ?? 0) + 1,
    note.version_id,
    resource === null ? null : snapshotOf(resource),
    sha256Hex(resource === null ? "null" : comparable(resource)),
    principalName(tx.principal),
    tx.timestamp,
    note.change_summary,
    note.rollback_of ?? null,
    tx.index
  )
}
