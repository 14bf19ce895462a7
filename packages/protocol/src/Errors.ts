/**
 * What the API answers when it refuses: the envelope of MF-001, one class per HTTP status. Codes and statuses map
 * one to one, so a `Rejection` becomes an answer without a table of its own.
 */
import { Schema } from "effect"
import { ErrorCode, ErrorDetail, type Rejection } from "./Rejection.ts"

const envelope = <const Codes extends ReadonlyArray<ErrorCode>>(codes: Codes) => ({
  error: Schema.Struct({
    code: Schema.Literals(codes),
    message: Schema.String,
    details: Schema.Array(ErrorDetail)
  })
})

export class BadRequest extends Schema.Error<BadRequest>("BadRequest")(
  envelope(["MALFORMED_REQUEST", "VALIDATION_ERROR"]),
  { httpApiStatus: 400 }
) {}
export class Unauthenticated extends Schema.Error<Unauthenticated>("Unauthenticated")(envelope(["UNAUTHENTICATED"]), {
  httpApiStatus: 401
}) {}
export class Forbidden extends Schema.Error<Forbidden>("Forbidden")(envelope(["FORBIDDEN"]), { httpApiStatus: 403 }) {}
export class NotFound extends Schema.Error<NotFound>("NotFound")(envelope(["NOT_FOUND"]), { httpApiStatus: 404 }) {}
export class MethodNotAllowed extends Schema.Error<MethodNotAllowed>("MethodNotAllowed")(
  envelope(["METHOD_NOT_ALLOWED"]),
  { httpApiStatus: 405 }
) {}
export class Conflict extends Schema.Error<Conflict>("Conflict")(
  envelope(["CONFLICT", "CLASH", "REFERENCED", "IDEMPOTENCY_KEY_REUSED"]),
  { httpApiStatus: 409 }
) {}
export class PreconditionFailed extends Schema.Error<PreconditionFailed>("PreconditionFailed")(
  envelope(["PRECONDITION_FAILED"]),
  { httpApiStatus: 412 }
) {}
export class PayloadTooLarge extends Schema.Error<PayloadTooLarge>("PayloadTooLarge")(envelope(["PAYLOAD_TOO_LARGE"]), {
  httpApiStatus: 413
}) {}
export class UnsupportedMediaType extends Schema.Error<UnsupportedMediaType>("UnsupportedMediaType")(
  envelope(["UNSUPPORTED_MEDIA_TYPE"]),
  { httpApiStatus: 415 }
) {}
export class Unprocessable extends Schema.Error<Unprocessable>("Unprocessable")(
  envelope(["UNPROCESSABLE", "PREFLIGHT_FAILED"]),
  {
    httpApiStatus: 422
  }
) {}
export class TooManyRequests extends Schema.Error<TooManyRequests>("TooManyRequests")(envelope(["TOO_MANY_REQUESTS"]), {
  httpApiStatus: 429
}) {}
export class InternalError extends Schema.Error<InternalError>("InternalError")(envelope(["INTERNAL_ERROR"]), {
  httpApiStatus: 500
}) {}
export class Unavailable extends Schema.Error<Unavailable>("Unavailable")(envelope(["UNAVAILABLE"]), {
  httpApiStatus: 503
}) {}
export class OutcomeUnknown extends Schema.Error<OutcomeUnknown>("OutcomeUnknown")(envelope(["OUTCOME_UNKNOWN"]), {
  httpApiStatus: 504
}) {}

/** Every refusal that any endpoint may answer. Endpoints declare this one union: an API client handles it once. */
export const ApiErrors = [
  BadRequest,
  Unauthenticated,
  Forbidden,
  NotFound,
  MethodNotAllowed,
  Conflict,
  PreconditionFailed,
  PayloadTooLarge,
  UnsupportedMediaType,
  Unprocessable,
  TooManyRequests,
  InternalError,
  Unavailable,
  OutcomeUnknown
] as const
/** The HTTP status of each code. */
export const statusOf: Readonly<Record<ErrorCode, number>> = {
  MALFORMED_REQUEST: 400,
  VALIDATION_ERROR: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  CLASH: 409,
  REFERENCED: 409,
  IDEMPOTENCY_KEY_REUSED: 409,
  PRECONDITION_FAILED: 412,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  UNPROCESSABLE: 422,
  PREFLIGHT_FAILED: 422,
  TOO_MANY_REQUESTS: 429,
  INTERNAL_ERROR: 500,
  UNAVAILABLE: 503,
  OUTCOME_UNKNOWN: 504
}
export type ApiError = InstanceType<(typeof ApiErrors)[number]>

/** The answer that belongs to a rejection's code. */
export const apiError = ({ code, details, message }: Rejection): ApiError => {
  switch (code) {
    case "MALFORMED_REQUEST":
    case "VALIDATION_ERROR":
      return new BadRequest({ error: { code, message, details } })
    case "UNAUTHENTICATED":
      return new Unauthenticated({ error: { code, message, details } })
    case "FORBIDDEN":
      return new Forbidden({ error: { code, message, details } })
    case "NOT_FOUND":
      return new NotFound({ error: { code, message, details } })
    case "METHOD_NOT_ALLOWED":
      return new MethodNotAllowed({ error: { code, message, details } })
    case "CONFLICT":
    case "CLASH":
    case "REFERENCED":
    case "IDEMPOTENCY_KEY_REUSED":
      return new Conflict({ error: { code, message, details } })
    case "PRECONDITION_FAILED":
      return new PreconditionFailed({ error: { code, message, details } })
    case "PAYLOAD_TOO_LARGE":
      return new PayloadTooLarge({ error: { code, message, details } })
    case "UNSUPPORTED_MEDIA_TYPE":
      return new UnsupportedMediaType({ error: { code, message, details } })
    case "UNPROCESSABLE":
    case "PREFLIGHT_FAILED":
      return new Unprocessable({ error: { code, message, details } })
    case "TOO_MANY_REQUESTS":
      return new TooManyRequests({ error: { code, message, details } })
    case "INTERNAL_ERROR":
      return new InternalError({ error: { code, message, details } })
    case "UNAVAILABLE":
      return new Unavailable({ error: { code, message, details } })
    case "OUTCOME_UNKNOWN":
      return new OutcomeUnknown({ error: { code, message, details } })
  }
}
