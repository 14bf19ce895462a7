/** What went wrong, in words for the person: the master's own where it gave some. */
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
import { Cause, Option } from "effect"

export interface Failure {
  readonly code: string
  readonly message: string
  readonly details: ReadonlyArray<ErrorDetail>
}

interface Refusal {
  readonly error: Failure
}

const isRefusal = (value: unknown): value is Refusal =>
  typeof value === "object" &&
  value !== null &&
  "error" in value &&
  typeof (value as { error: unknown }).error === "object" &&
  (value as { error: object | null }).error !== null &&
  "message" in (value as { error: object }).error

const unreachable: Failure = {
  code: "UNREACHABLE",
  message: "The master cannot be reached. nginx goes on serving; this page tries again by itself.",
  details: []
}

export const failureOf = (cause: Cause.Cause<unknown>): Failure => {
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (isRefusal(error)) return error.error
  const squashed = Cause.squash(cause)
  if (isRefusal(squashed)) return squashed.error
  const text = squashed instanceof Error ? `${squashed.name} ${squashed.message}` : String(squashed)
  if (/Transport|fetch|network|Socket/i.test(text)) return unreachable
  return { code: "UNEXPECTED", message: `Something unexpected happened: ${text}`, details: [] }
}

/** The words about one field of a form, as `locations.0.path`. */
export const fieldErrors = (failure: Failure): Record<string, string> =>
  Object.fromEntries(failure.details.map(({ field, message }) => [field, message]))
