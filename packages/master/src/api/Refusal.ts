/** Refusals as answers: the envelope of MF-001 for everything that is not a success. */
import type { ApiError } from "@nxmesh/protocol/Errors"
import { apiError, statusOf } from "@nxmesh/protocol/Errors"
import type { ErrorCode, ErrorDetail, Rejection } from "@nxmesh/protocol/Rejection"
import { HttpServerResponse } from "effect/http"
import { Limits } from "../Limits.ts"

export const rejection = (code: ErrorCode, message: string, details: ReadonlyArray<ErrorDetail> = []): Rejection => ({
  code,
  message,
  details: details.slice(0, Limits.api.detailsMax)
})

/** A refusal as a failure that every endpoint declares. */
export const refuse = (code: ErrorCode, message: string, details: ReadonlyArray<ErrorDetail> = []): ApiError =>
  apiError(rejection(code, message, details))

export const invalid = (details: ReadonlyArray<ErrorDetail>): ApiError =>
  refuse("VALIDATION_ERROR", details.length === 1 ? "A field is not valid" : "Fields are not valid", details)

export const notFound = (what: string, id: string): ApiError =>
  refuse("NOT_FOUND", `There is no ${what} ${id}, or you may not see it`)

export const refusalResponse = (
  refusal: Rejection,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe({ error: refusal }, { status: statusOf[refusal.code], headers })
