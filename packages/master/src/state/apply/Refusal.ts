/** Leaves a command's handler with a rejection: what the command did is rolled back, the rejection is committed. */
import type { ErrorCode, ErrorDetail, Rejection } from "@nxmesh/protocol/Rejection"

export class Refusal extends Error {
  readonly rejection: Rejection
  constructor(rejection: Rejection) {
    super(rejection.message)
    this.rejection = rejection
  }
}

export function refuse(code: ErrorCode, message: string, details: ReadonlyArray<ErrorDetail> = []): never {
  throw new Refusal({ code, message, details })
}

/** Refuses a request whose fields do not fit the state, naming each. */
export function refuseFields(details: ReadonlyArray<ErrorDetail>): never {
  const fields = details.map(({ field }) => field).join(", ")
  refuse("VALIDATION_ERROR", `the request does not fit the present state: ${fields}`, details)
}
