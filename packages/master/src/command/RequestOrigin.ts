/** Of which request a command comes, for the audit: provided once at the API's edge, so that no handler can forget it. */
import type { RequestOrigin } from "@nxmesh/protocol/Command"
import { Context } from "effect"
import { Limits } from "../Limits.ts"

export const CurrentOrigin = Context.Reference<RequestOrigin | null>("@nxmesh/master/command/CurrentOrigin", {
  defaultValue: () => null
})

/** Pure. What a client says of itself may be any text: it is cut, and control characters become spaces. */
export const originOf = (requestId: string, userAgent: string | undefined): RequestOrigin => ({
  request_id: requestId,
  user_agent:
    userAgent === undefined
      ? null
      : userAgent
          .slice(0, Limits.audit.userAgentCharactersMax)
          // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
          .replace(/[\u0000-\u001f\u007f-\u009f]/g, " ")
          .toWellFormed()
})
