/** Why a login, a refresh or a change of password was refused, and how the API says so. */
import { type ApiError, apiError } from "@nxmesh/protocol/Errors"
import { Data } from "effect"
import type { CommandError, CommandRejected } from "../command/Commands.ts"

/** Wrong password, no such user, or a disabled one: which of them is not told. */
export class CredentialsRefused extends Data.TaggedError("CredentialsRefused")<{}> {
  override readonly message = "email or password is wrong"
}

/** Asked with a valid token, and the present password was wrong. */
export class PasswordRefused extends Data.TaggedError("PasswordRefused")<{}> {
  override readonly message = "the present password is wrong"
}

/** Too many failures before, or too many logins at once. */
export class LoginThrottled extends Data.TaggedError("LoginThrottled")<{ readonly retryAfterSeconds: number }> {
  override get message() {
    return `too many attempts to log in; try again in ${this.retryAfterSeconds} s`
  }
}

/** The refresh token is unknown, used before, expired, or of a session that has ended. */
export class RefreshRefused extends Data.TaggedError("RefreshRefused")<{ readonly message: string }> {}

/** The new password is too easy to guess. */
export class PasswordTooWeak extends Data.TaggedError("PasswordTooWeak")<{
  /** Of the request. */
  readonly field: string
  /** Completes "the password …". */
  readonly problem: string
}> {
  override get message() {
    return `the password ${this.problem}`
  }
}

export type SessionError =
  | PasswordTooWeak
  | CredentialsRefused
  | PasswordRefused
  | LoginThrottled
  | RefreshRefused
  | CommandRejected
  | CommandError

/** The API's answer. A `LoginThrottled` also deserves the header `Retry-After`, in seconds. */
export const sessionApiError = (error: SessionError): ApiError => {
  const { message } = error
  switch (error._tag) {
    case "CredentialsRefused":
    case "RefreshRefused":
      return apiError({ code: "UNAUTHENTICATED", message, details: [] })
    case "PasswordRefused":
      return apiError({
        code: "VALIDATION_ERROR",
        message,
        details: [{ field: "current_password", message: "is wrong" }]
      })
    case "PasswordTooWeak":
      return apiError({ code: "VALIDATION_ERROR", message, details: [{ field: error.field, message: error.problem }] })
    case "LoginThrottled": {
      const details = [{ field: "retry_after_seconds", message: String(error.retryAfterSeconds) }]
      return apiError({ code: "TOO_MANY_REQUESTS", message, details })
    }
    case "CommandRejected":
      return apiError(error.rejection)
    case "CommandError":
      return apiError({
        code: error.reason._tag === "OutcomeUnknown" ? "OUTCOME_UNKNOWN" : "UNAVAILABLE",
        message,
        details: []
      })
  }
}
