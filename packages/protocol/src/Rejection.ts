/**
 * Why a command was refused. A rejection is a committed result, the same on every master, and the API answers it as
 * it is: the code decides the status, the details name fields and resources.
 */
import { Schema } from "effect"

/** Each code belongs to one HTTP status; `Errors.ts` has the classes. */
export const ErrorCode = Schema.Literals([
  "MALFORMED_REQUEST",
  "VALIDATION_ERROR",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "NOT_FOUND",
  "METHOD_NOT_ALLOWED",
  "CONFLICT",
  "CLASH",
  "REFERENCED",
  "IDEMPOTENCY_KEY_REUSED",
  "PRECONDITION_FAILED",
  "PAYLOAD_TOO_LARGE",
  "UNSUPPORTED_MEDIA_TYPE",
  "UNPROCESSABLE",
  /** nginx on the agent that was asked refuses what the change would give it. */
  "PREFLIGHT_FAILED",
  "TOO_MANY_REQUESTS",
  "INTERNAL_ERROR",
  "UNAVAILABLE",
  "OUTCOME_UNKNOWN"
])
export type ErrorCode = typeof ErrorCode.Type

export const ErrorDetail = Schema.Struct({
  /** The field in the request, as in `locations[0].path`; empty when the request as a whole is meant. */
  field: Schema.String,
  message: Schema.String
}).annotate({ identifier: "ErrorDetail" })
export type ErrorDetail = typeof ErrorDetail.Type

export const Rejection = Schema.Struct({
  code: ErrorCode,
  message: Schema.String,
  details: Schema.Array(ErrorDetail)
})
export type Rejection = typeof Rejection.Type
