/** The audit as it is read and exported: who did what, provably. The chain itself: packages/master/src/state/apply/AuditChain.ts. */
import { Schema } from "effect"
import { ClusterId, Sha256 } from "../Ids.ts"
import { Timestamp } from "./Text.ts"

const text = Schema.NullOr(Schema.String)

/** One entry of the log that somebody caused, or that was refused to somebody. */
export const AuditEntry = Schema.Struct({
  /** Index in the log. Entries grow, with gaps. */
  entry: Schema.Int,
  at: Timestamp,
  /** A user's id, `service_account:<id>`, `agent:<id>` or `system:<part>`. */
  principal: Schema.String,
  /** What was asked, as in `SaveVirtualHost`. */
  command: Schema.String,
  kind: text,
  resource_id: text,
  /** Whose it is; both `null` for what is the installation's. */
  organization_id: text,
  workspace_id: text,
  /** Secrets are masked; a long value is `{ "omitted": { "characters", "sha256" } }`. `null` where there was nothing. */
  before: Schema.Unknown,
  after: Schema.Unknown,
  remote_address: text,
  /** As in the answer's `x-request-id`. */
  request_id: text,
  /** What the client said that it is. */
  user_agent: text,
  /** `accepted`, `replayed`, or the code of the refusal. */
  outcome: Schema.String,
  previous_hash: Sha256,
  hash: Sha256
}).annotate({ identifier: "AuditEntry" })
export type AuditEntry = typeof AuditEntry.Type

/** A place in the chain. */
export const AuditPoint = Schema.Struct({ entry: Schema.Int, hash: Sha256 }).annotate({ identifier: "AuditPoint" })
export type AuditPoint = typeof AuditPoint.Type

/** The public half of a key that signs heads: RSA, as RFC 7517 has it, named by its thumbprint (RFC 7638). */
export const AuditKey = Schema.Struct({
  kty: Schema.Literal("RSA"),
  n: Schema.String,
  e: Schema.String,
  alg: Schema.Literal("RS256"),
  use: Schema.Literal("sig"),
  kid: Schema.String
}).annotate({ identifier: "AuditKey" })
export type AuditKey = typeof AuditKey.Type

/** The end of the chain at one moment, signed: kept elsewhere, it proves later that nothing before it was changed. */
export const AuditHead = Schema.Struct({
  ...AuditPoint.fields,
  cluster_id: ClusterId,
  /** When it was signed. */
  signed_at: Timestamp,
  /** The point behind which the chain begins: entry 0, or the last row that was cut. */
  anchor: AuditPoint,
  /** A JWS (RFC 7515, compact, RS256, typ `nxmesh-audit+jwt`) over the above. */
  signature: Schema.String,
  key: AuditKey
}).annotate({ identifier: "AuditHead" })
export type AuditHead = typeof AuditHead.Type

/** What reading the whole chain found. */
export const AuditVerification = Schema.Struct({
  whole: Schema.Boolean,
  /** The first thing that is wrong, in a sentence; `null`: nothing is. */
  problem: text,
  rows: Schema.Int,
  anchor: AuditPoint,
  head: AuditPoint
}).annotate({ identifier: "AuditVerification" })
export type AuditVerification = typeof AuditVerification.Type

/** What was cut: everything up to and with `anchor`. */
export const AuditCut = Schema.Struct({ rows: Schema.Int, anchor: AuditPoint }).annotate({ identifier: "AuditCut" })
export type AuditCut = typeof AuditCut.Type

/** Cuts everything up to and with `through`. `exported` is the head of an export that holds it. */
export const AuditCutRequest = Schema.Struct({ through: Schema.Int, exported: AuditPoint }).annotate({
  identifier: "AuditCutRequest"
})
