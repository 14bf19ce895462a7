/**
 * The audit's hash chain: each row's hash covers the row before it, so that no row can be changed, removed or slipped in
 * without every later hash telling. Rows keep the form that they were written in: 1 up to cluster version 3, 2 from 4 on. Pure.
 */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { sha256Hex } from "@nxmesh/core/crypto/Sha256"

export interface AuditRow {
  /** Index in the log. They grow, with gaps. */
  readonly entry: number
  readonly at: string
  readonly principal: string
  readonly command: string
  readonly kind: string | null
  readonly resource_id: string | null
  /** JSON, secrets masked; `null` where there was nothing. */
  readonly before: string | null
  readonly after: string | null
  readonly remote_address: string | null
  /** `accepted`, `replayed` for an answer with a secret that was given again, or the code of the rejection. */
  readonly outcome: string
  readonly previous_hash: string
  /** Absent before cluster version 4, as all that follows. */
  readonly form?: number
  readonly organization_id?: string | null
  readonly workspace_id?: string | null
  readonly request_id?: string | null
  readonly user_agent?: string | null
}

export type ChainedRow = AuditRow & { readonly hash: string }

/** The hash before the first row of a chain that was never cut. */
export const auditAnchor = "0".repeat(64)

const firstForm = (row: AuditRow) => ({
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

/** The form itself is in the second: a row cannot pass for one of the first. */
const secondForm = (row: AuditRow) => ({
  ...firstForm(row),
  form: 2,
  organization_id: row.organization_id ?? null,
  workspace_id: row.workspace_id ?? null,
  request_id: row.request_id ?? null,
  user_agent: row.user_agent ?? null
})

export const auditHash = (row: AuditRow): string =>
  sha256Hex(canonicalJson(row.form === 2 ? secondForm(row) : firstForm(row)))

/** What the first form does not cover must not be there: it could say anything. */
const hasUncovered = (row: AuditRow): boolean =>
  row.form !== 2 &&
  [row.organization_id, row.workspace_id, row.request_id, row.user_agent].some((value) => typeof value === "string")

/** Where a chain stands after a row: what the next one has to follow. */
export interface ChainPoint {
  readonly entry: number
  readonly hash: string
}

/** Why the row does not follow; `null`: it does. */
export const chainProblem = (before: ChainPoint, row: ChainedRow): string | null => {
  if (row.form !== undefined && row.form !== 1 && row.form !== 2) {
    return `entry ${row.entry} has form ${row.form}, which this NxMesh does not know: use a newer one`
  }
  if (row.entry <= before.entry) return `entry ${row.entry} stands after entry ${before.entry}: the order was changed`
  if (row.previous_hash !== before.hash) {
    return `entry ${row.entry} does not follow entry ${before.entry}: a row between them was removed or added, or one was changed`
  }
  if (hasUncovered(row) || auditHash(row) !== row.hash) return `entry ${row.entry} was changed: its hash is another`
  return null
}
