/** Reading the audit: by the entry, newest first, a bounded number of rows at a time whatever the filter. */
import type { AuditPoint } from "@nxmesh/protocol/model/Audit"
import { auditAnchor, type ChainedRow } from "./apply/AuditChain.ts"
import type { Connection, SqlValue } from "./Connection.ts"
import { clusterVersion } from "./ReadCluster.ts"

export interface AuditMarks {
  /** The chain begins behind it. */
  readonly anchor: AuditPoint
  /** All up to it was exported. */
  readonly exported: AuditPoint
}

const point = (entry: number, hash: string) => ({ entry, hash }) as AuditPoint

const none = point(0, auditAnchor)

export const auditMarks = (connection: Connection): AuditMarks => {
  if (clusterVersion(connection) < 4) return { anchor: none, exported: none }
  const row = connection.get<{
    readonly anchor_entry: number
    readonly anchor_hash: string
    readonly exported_entry: number
    readonly exported_hash: string
  }>("SELECT anchor_entry, anchor_hash, exported_entry, exported_hash FROM audit_marks")
  return row === undefined
    ? { anchor: none, exported: none }
    : { anchor: point(row.anchor_entry, row.anchor_hash), exported: point(row.exported_entry, row.exported_hash) }
}

/** The last row of the chain; the anchor, when there is none after it. */
export const auditHead = (connection: Connection): AuditPoint => {
  const row = connection.get<{ readonly entry: number; readonly hash: string }>(
    "SELECT entry, hash FROM audit ORDER BY entry DESC LIMIT 1"
  )
  return row === undefined ? auditMarks(connection).anchor : point(row.entry, row.hash)
}

export const auditRow = (connection: Connection, entry: number): ChainedRow | undefined =>
  connection.get<ChainedRow>("SELECT * FROM audit WHERE entry = ?", entry)

/** Rows after `after` up to and with `through`, in the order of the chain. */
export const auditRows = (
  connection: Connection,
  range: { readonly after: number; readonly through: number; readonly rowsMax: number }
): ReadonlyArray<ChainedRow> =>
  connection.all<ChainedRow>(
    "SELECT * FROM audit WHERE entry > ? AND entry <= ? ORDER BY entry LIMIT ?",
    range.after,
    range.through,
    range.rowsMax
  )

/** Columns that are filtered by equality. */
export type AuditColumn =
  | "organization_id"
  | "workspace_id"
  | "principal"
  | "command"
  | "kind"
  | "resource_id"
  | "outcome"
  | "remote_address"
  | "request_id"

/** Whose rows may be seen. */
export type AuditVisibility =
  | "all"
  | { readonly organizationIds: ReadonlyArray<string>; readonly workspaceIds: ReadonlyArray<string> }

export interface AuditSearch {
  readonly visible: AuditVisibility
  readonly equal: { readonly [Column in AuditColumn]?: string | undefined }
  /** Everything that was not accepted. */
  readonly refused: boolean
  /** ISO 8601: at or after, and before. */
  readonly from: string | null
  readonly to: string | null
  /** Entries before this one. */
  readonly before: number
}

interface Condition {
  readonly sql: string
  readonly values: ReadonlyArray<SqlValue>
}

/** A row of before cluster version 4 says nothing of whose it is: the installation's auditors alone see it. */
const seen = (visible: AuditVisibility): ReadonlyArray<Condition> =>
  visible === "all"
    ? []
    : [
        {
          sql: "(organization_id IN (SELECT value FROM json_each(?)) OR workspace_id IN (SELECT value FROM json_each(?)))",
          values: [JSON.stringify(visible.organizationIds), JSON.stringify(visible.workspaceIds)]
        }
      ]

const conditionsOf = ({ equal, refused, visible }: AuditSearch): ReadonlyArray<Condition> => [
  ...seen(visible),
  ...(refused ? [{ sql: "outcome NOT IN ('accepted', 'replayed')", values: [] }] : []),
  ...Object.entries(equal).flatMap(([column, value]) =>
    value === undefined ? [] : [{ sql: `${column} = ?`, values: [value] }]
  )
]

/** Time never goes back along the chain (rule 3), so that a range of time is a range of entries. */
const firstAt = (connection: Connection, at: string): number | undefined =>
  connection.get<{ readonly entry: number }>("SELECT entry FROM audit WHERE at >= ? ORDER BY at, entry LIMIT 1", at)
    ?.entry

export interface AuditSlice {
  readonly rows: ReadonlyArray<ChainedRow>
  /** Where to go on; `null`: there is nothing older in the range. */
  readonly next: number | null
}

/**
 * Looks at no more than `scanned` rows and answers at most `rowsMax` of them. Before cluster version 4 rows have no place, so
 * that filters by it find nothing.
 */
export const auditSlice = (
  connection: Connection,
  search: AuditSearch,
  { rowsMax, scanned }: { readonly rowsMax: number; readonly scanned: number }
): AuditSlice => {
  const placed = clusterVersion(connection) >= 4
  const byPlace = search.visible !== "all" || search.equal.organization_id !== undefined
  if (!placed && (byPlace || search.equal.workspace_id !== undefined || search.equal.request_id !== undefined)) {
    return { rows: [], next: null }
  }
  const least = search.from === null ? 0 : (firstAt(connection, search.from) ?? Number.MAX_SAFE_INTEGER)
  const end = search.to === null ? undefined : firstAt(connection, search.to)
  const before = Math.min(search.before, end ?? Number.MAX_SAFE_INTEGER)
  const window = "SELECT * FROM audit WHERE entry >= ? AND entry < ? ORDER BY entry DESC LIMIT ?"
  const oldest = connection.get<{ readonly entry: number | null; readonly count: number }>(
    `SELECT min(entry) AS entry, count(*) AS count FROM (${window.replace("*", "entry")})`,
    least,
    before,
    scanned
  )
  if (oldest === undefined || oldest.entry === null) return { rows: [], next: null }
  const conditions = conditionsOf(search)
  const where = conditions.length === 0 ? "" : ` WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`
  const rows = connection.all<ChainedRow>(
    `SELECT * FROM (${window})${where} ORDER BY entry DESC LIMIT ?`,
    least,
    before,
    scanned,
    ...conditions.flatMap(({ values }) => values),
    rowsMax
  )
  const last = rows.at(-1)
  if (rows.length === rowsMax && last !== undefined) return { rows, next: last.entry }
  return { rows, next: oldest.count < scanned ? null : oldest.entry }
}

/** Keys that sign no more: what they signed of the audit still verifies. The newest first. */
export const retiredSigningKeys = (
  connection: Connection
): ReadonlyArray<{ readonly keyId: string; readonly publicJwk: { readonly n?: string; readonly e?: string } }> =>
  clusterVersion(connection) < 4
    ? []
    : connection
        .all<{ readonly key_id: string; readonly public_jwk: string }>(
          "SELECT key_id, public_jwk FROM retired_signing_keys ORDER BY retired_at DESC, key_id"
        )
        .map(({ key_id, public_jwk }) => ({ keyId: key_id, publicJwk: JSON.parse(public_jwk) as object }))

/**
 * The last entry that retention may forget at once: older than `olderThan`, exported, and not more rows than `rowsMax`. `null`:
 * there is none. The row of the exported head itself stays, which the next cut has to show.
 */
export const retentionCut = (connection: Connection, olderThan: string, rowsMax: number): number | null => {
  const { exported } = auditMarks(connection)
  const row = connection.get<{ readonly entry: number | null }>(
    "SELECT max(entry) AS entry FROM (SELECT entry FROM audit WHERE entry < ? AND at < ? ORDER BY entry LIMIT ?)",
    exported.entry,
    olderThan,
    rowsMax
  )
  return row?.entry ?? null
}
