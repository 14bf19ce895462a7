import {
  CredentialsRefused,
  LoginThrottled,
  PasswordRefused,
  RefreshRefused,
  type SessionError,
  sessionApiError
} from "@nxmesh/master/auth/SessionErrors"
import { Busy, CommandError, CommandRejected, OutcomeUnknown, Stopping } from "@nxmesh/master/command/Commands"
import { CommandId } from "@nxmesh/protocol/Ids"
import { assert, describe, it } from "@effect/vitest"

const rejection = { code: "FORBIDDEN", message: "no", details: [] } as const
const commandId = CommandId.make("0197c0de-0000-7000-8000-000000000001")
const cases: ReadonlyArray<readonly [SessionError, string]> = [
  [new CredentialsRefused(), "UNAUTHENTICATED"],
  [new RefreshRefused({ message: "used" }), "UNAUTHENTICATED"],
  [new PasswordRefused(), "VALIDATION_ERROR"],
  [new LoginThrottled({ retryAfterSeconds: 4 }), "TOO_MANY_REQUESTS"],
  [new CommandRejected({ rejection, index: 1 }), "FORBIDDEN"],
  [new CommandError({ reason: new Busy() }), "UNAVAILABLE"],
  [new CommandError({ reason: new Stopping() }), "UNAVAILABLE"],
  [new CommandError({ reason: new OutcomeUnknown({ commandId }) }), "OUTCOME_UNKNOWN"]
]

describe("SessionErrors", () => {
  it.each(cases)("answers %o with %s", (error, code) => {
    assert.strictEqual(sessionApiError(error).error.code, code)
  })

  it("tells how long to wait, and which field was wrong", () => {
    const throttled = sessionApiError(new LoginThrottled({ retryAfterSeconds: 4 }))
    assert.deepStrictEqual(throttled.error.details, [{ field: "retry_after_seconds", message: "4" }])
    assert.strictEqual(sessionApiError(new PasswordRefused()).error.details[0]?.field, "current_password")
  })
})
