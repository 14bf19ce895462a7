/** Versions of configuration, and how deployments ended. */
import type { Generation } from "@nxmesh/protocol/Ids"
import type { ConfigVersion } from "@nxmesh/protocol/model/ConfigVersion"
import type { Deployment } from "@nxmesh/protocol/model/Deployment"
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import type { Connection } from "./Connection.ts"
import type { ContentOf } from "./Kinds.ts"
import type { ListQuery } from "./Listable.ts"
import type { Page } from "./ReadLists.ts"

type VersionRow = Omit<ConfigVersion, "data"> & { readonly data: string | null }

const versionColumns =
  "id, resource_type, resource_id, version_number, data, checksum, created_by, created_at, change_summary"

/** The answer never holds a private key, not even sealed. */
const toVersion = (row: VersionRow): ConfigVersion => {
  if (row.data === null) return { ...row, data: null }
  const data = JSON.parse(row.data) as Record<string, unknown>
  if (row.resource_type === "certificate") delete data["private_key"]
  return { ...row, data }
}

export const versions = (
  connection: Connection,
  kind: VersionedKind,
  id: string,
  { page, perPage }: Pick<ListQuery, "page" | "perPage">
): Page<ConfigVersion> => {
  const rows = connection.all<VersionRow>(
    `SELECT ${versionColumns} FROM config_versions WHERE resource_type = ? AND resource_id = ?
     ORDER BY version_number DESC LIMIT ? OFFSET ?`,
    kind,
    id,
    perPage,
    (page - 1) * perPage
  )
  const total = connection.get<{ readonly total: number }>(
    "SELECT count(*) AS total FROM config_versions WHERE resource_type = ? AND resource_id = ?",
    kind,
    id
  )?.total
  return { items: rows.map(toVersion), total: total ?? 0 }
}

const versionRow = (connection: Connection, kind: VersionedKind, id: string, number: number) =>
  connection.get<VersionRow>(
    `SELECT ${versionColumns} FROM config_versions WHERE resource_type = ? AND resource_id = ? AND version_number = ?`,
    kind,
    id,
    number
  )

export const version = (
  connection: Connection,
  kind: VersionedKind,
  id: string,
  number: number
): ConfigVersion | undefined => {
  const row = versionRow(connection, kind, id, number)
  return row === undefined ? undefined : toVersion(row)
}

export const certificateVersion = (
  connection: Connection,
  id: string,
  number: number
): ContentOf<"certificate"> | undefined => {
  const data = versionRow(connection, "certificate", id, number)?.data
  return data === undefined || data === null ? undefined : (JSON.parse(data) as ContentOf<"certificate">)
}

export const latestVersion = (connection: Connection, kind: VersionedKind, id: string) =>
  connection.get<{ readonly version_number: number; readonly checksum: string }>(
    `SELECT version_number, checksum FROM config_versions WHERE resource_type = ? AND resource_id = ?
     ORDER BY version_number DESC LIMIT 1`,
    kind,
    id
  )

const toDeployment = (row: { readonly data: string } | undefined): Deployment | undefined =>
  row === undefined ? undefined : (JSON.parse(row.data) as Deployment)

export const deployment = (connection: Connection, id: string): Deployment | undefined =>
  toDeployment(connection.get<{ readonly data: string }>("SELECT data FROM deployments WHERE id = ?", id))

export const lastDeployment = (connection: Connection, agentId: string): Deployment | undefined =>
  toDeployment(
    connection.get<{ readonly data: string }>(
      "SELECT data FROM deployments WHERE agent_id = ? ORDER BY entry DESC, position DESC LIMIT 1",
      agentId
    )
  )

export interface GenerationRecord {
  readonly generation: Generation
  readonly settled: number
  readonly failed: number
  readonly rolled_back: number
  readonly rollback_failed: number
  readonly interrupted: number
  /** Version numbers by resource key, as recorded with a settled deployment; `null` when none came with one. */
  readonly manifest: Readonly<Record<string, number>> | null
}

export const generation = (connection: Connection, name: string): GenerationRecord | undefined => {
  const row = connection.get<Omit<GenerationRecord, "manifest"> & { readonly manifest: string | null }>(
    `SELECT generation, settled, failed, rolled_back, rollback_failed, interrupted, manifest
     FROM generations WHERE generation = ?`,
    name
  )
  if (row === undefined) return undefined
  return { ...row, manifest: row.manifest === null ? null : (JSON.parse(row.manifest) as Record<string, number>) }
}

export const servingGeneration = (connection: Connection, agentId: string): Generation | undefined =>
  connection.get<{ readonly generation: Generation }>(
    "SELECT generation FROM serving_generations WHERE agent_id = ?",
    agentId
  )?.generation
