/**
 * An export of the audit: lines of JSON in canonical form, each ended by a line feed.
 * 1. `{"type":"audit", …}`: the format, the cluster, and the point behind which the export begins;
 * 2. `{"type":"row", …}` for each row of the chain; for rows that whoever exported may not see, however many, one
 *    `{"type":"gap","hash"}` with the hash of the last of them;
 * 3. `{"type":"head", …}`: what SignedHead says of all the lines before, and the key to verify it with.
 */
import { canonicalJson } from "@nxmesh/core/nginx/Generation"
import { ClusterId, Sha256 } from "@nxmesh/protocol/Ids"
import { AuditKey, AuditPoint } from "@nxmesh/protocol/model/Audit"
import { Schema } from "effect"

export const exportFormat = 1

const text = Schema.NullOr(Schema.String)

const ExportedRow = Schema.Struct({
  entry: Schema.Int,
  at: Schema.String,
  principal: Schema.String,
  command: Schema.String,
  kind: text,
  resource_id: text,
  before: text,
  after: text,
  remote_address: text,
  outcome: Schema.String,
  previous_hash: Sha256,
  form: Schema.Int,
  organization_id: text,
  workspace_id: text,
  request_id: text,
  user_agent: text,
  hash: Sha256
})

export const ExportLine = Schema.Union([
  Schema.Struct({
    type: Schema.Literal("audit"),
    format: Schema.Int,
    cluster_id: ClusterId,
    after: AuditPoint
  }),
  Schema.Struct({ type: Schema.Literal("row"), row: ExportedRow }),
  Schema.Struct({ type: Schema.Literal("gap"), hash: Sha256 }),
  Schema.Struct({ type: Schema.Literal("head"), signature: Schema.String, key: AuditKey })
])
export type ExportLine = typeof ExportLine.Type
export type ExportedRow = typeof ExportedRow.Type

export const encodeLine = (line: ExportLine): string => `${canonicalJson(line)}\n`

const decode = Schema.decodeUnknownResult(ExportLine, { onExcessProperty: "error" })
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The line, only where its bytes are the one way to write it; `null` else. Without its line feed. */
export const decodeLine = (bytes: Uint8Array): ExportLine | null => {
  try {
    const line = utf8.decode(bytes)
    const decoded = decode(JSON.parse(line))
    return decoded._tag === "Success" && canonicalJson(decoded.success) === line ? decoded.success : null
  } catch {
    // Neither UTF-8 nor JSON: it says nothing, and the caller says which line.
    return null
  }
}
