/** Why a login, a refresh or a change of password was refused, and how the API says so. */
import {
  type ApiError,
  apiError,
  BadRequest,
  InternalError,
  OutcomeUnknown,
  TooManyRequests,
  Unauthenticated,
  Unavailable
} from "@nxmesh/protocol/Errors"
import type { ErrorDetail } from "@nxmesh/protocol/Rejection"
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

export type SessionError =
  | CredentialsRefused
  | PasswordRefused
  | LoginThrottled
  | RefreshRefused
  | CommandRejected
  | CommandError

const envelope = <const Code extends string>(
  code: Code,
  message: string,
  details: ReadonlyArray<ErrorDetail> = []
) => ({ error: { code, message, details } })

/** The API's answer. A `LoginThrottled` also deserves the header `Retry-After`, in seconds. */
export const sessionApiError = (error: SessionError): ApiError => {
  switch (error._tag) {
    case "CredentialsRefused":
    case "RefreshRefused":
      return new Unauthenticated(envelope("UNAUTHENTICATED", error.message))
    case "PasswordRefused":
      return new BadRequest(
        envelope("VALIDATION_ERROR", error.message, [{ field: "current_password", message: "is wrong" }])
      )
    case "LoginThrottled":
      return new TooManyRequests(
        envelope("TOO_MANY_REQUESTS", error.message, [
          { field: "retry_after_seconds", message: String(error.retryAfterSeconds) }
        ])
      )
    case "CommandRejected":
      return apiError(error.rejection)
    case "CommandError":
      switch (error.reason._tag) {
        case "OutcomeUnknown":
          return new OutcomeUnknown(envelope("OUTCOME_UNKNOWN", error.message))
        case "LogFailed":
          return new InternalError(envelope("INTERNAL_ERROR", error.message))
        case "LogFull":
        case "Stopping":
          return new Unavailable(envelope("UNAVAILABLE", error.message))
      }
  }
}
