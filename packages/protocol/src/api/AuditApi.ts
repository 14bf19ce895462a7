/** Reading, exporting, verifying and cutting the audit (SF-002). */
import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema } from "effect/http-api"
import { ApiErrors } from "../Errors.ts"
import { OrganizationId, WorkspaceId } from "../Ids.ts"
import { AuditCut, AuditCutRequest, AuditEntry, AuditHead, AuditKey, AuditVerification } from "../model/Audit.ts"
import { Timestamp } from "../model/Text.ts"
import { Authentication, demands, RequestAttribution } from "./Authentication.ts"
import { one } from "./Envelope.ts"
import { filterText, pageQuery } from "./ListQuery.ts"

const entryNumber = Schema.FiniteFromString.check(
  Schema.isInt(),
  Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
)

const filters = {
  organization_id: Schema.optionalKey(OrganizationId),
  workspace_id: Schema.optionalKey(WorkspaceId),
  principal: Schema.optionalKey(filterText),
  command: Schema.optionalKey(filterText),
  kind: Schema.optionalKey(filterText),
  resource_id: Schema.optionalKey(filterText),
  /** `accepted`, `replayed`, a code as in `FORBIDDEN`, or `refused` for any of these. */
  outcome: Schema.optionalKey(filterText),
  remote_address: Schema.optionalKey(filterText),
  request_id: Schema.optionalKey(filterText),
  /** At or after, and before. */
  from: Schema.optionalKey(Timestamp),
  to: Schema.optionalKey(Timestamp)
}

/** The newest first. A page may be short and yet have a next one: a search looks at so many rows at a time. */
export const AuditPage = Schema.Struct({
  data: Schema.Array(AuditEntry),
  links: Schema.Struct({ self: Schema.String, next: Schema.NullOr(Schema.String) })
}).annotate({ identifier: "AuditPage" })

export class AuditApi extends HttpApiGroup.make("audit")
  .add(
    HttpApiEndpoint.get("list", "/", {
      query: Schema.Struct({
        per_page: pageQuery.fields.per_page,
        /** Of the link to the next page: entries before this one. */
        cursor: Schema.optionalKey(entryNumber),
        ...filters
      }),
      success: AuditPage,
      error: ApiErrors
    }).annotateMerge(demands("audit:read")),
    HttpApiEndpoint.get("head", "/head", { success: one(AuditHead), error: ApiErrors }).annotateMerge(
      demands("audit:read")
    ),
    HttpApiEndpoint.get("keys", "/keys", { success: one(Schema.Array(AuditKey)), error: ApiErrors }).annotateMerge(
      demands("audit:read")
    ),
    HttpApiEndpoint.get("verify", "/verify", { success: one(AuditVerification), error: ApiErrors }).annotateMerge(
      demands("audit:read")
    ),
    /** The format: packages/master/src/audit/ExportFormat.ts. */
    HttpApiEndpoint.get("export", "/export", {
      query: Schema.Struct({
        /** Entries after this one alone: the last of the export before. */
        after: Schema.optionalKey(entryNumber)
      }),
      success: HttpApiSchema.StreamUint8Array({ contentType: "application/x-ndjson" }),
      error: ApiErrors
    }).annotateMerge(demands("audit:read")),
    HttpApiEndpoint.post("cut", "/cut", {
      payload: AuditCutRequest,
      success: one(AuditCut),
      error: ApiErrors
    }).annotateMerge(
      demands("cluster:write", { example: { through: 1_000, exported: { entry: 2_000, hash: "0".repeat(64) } } })
    ),
    HttpApiEndpoint.get("get", "/:entry", {
      params: { entry: entryNumber },
      success: one(AuditEntry),
      error: ApiErrors
    }).annotateMerge(demands("audit:read"))
  )
  .middleware(RequestAttribution)
  .middleware(Authentication)
  .prefix("/audit") {}
