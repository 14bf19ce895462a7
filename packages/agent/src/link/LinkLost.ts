/** Why an attempt or a connection ended, and whether to come again soon. */
import { LinkRefused } from "@nxmesh/protocol/link/LinkRefused"
import { Data } from "effect"
import type { RpcClientError } from "effect/rpc"
import type { Socket } from "effect/socket"

export class LinkLost extends Data.TaggedError("LinkLost")<{
  /** True when only a person can mend it. */
  readonly permanent: boolean
  /** What happened, and where a person must act, what to do. */
  readonly detail: string
}> {
  override get message(): string {
    return this.detail
  }
}

const advice: Record<string, string> = {
  token_refused: "make a new enrolment token for this agent and set NXMESH_AGENT_TOKEN",
  unknown_agent: "the agent was removed: make it again on the master, with a new token in NXMESH_AGENT_TOKEN",
  unknown_key: "the agent's key was revoked: enrol it again with a new token in NXMESH_AGENT_TOKEN",
  bad_signature:
    "the agent's identity does not fit the master's: enrol it again with a new token in NXMESH_AGENT_TOKEN",
  stale: "compare the clocks of both machines"
}

export const lostByRefusal = ({ detail, permanent, reason }: LinkRefused): LinkLost =>
  new LinkLost({
    permanent,
    detail: `the master refused: ${detail}${advice[reason] === undefined ? "" : `; ${advice[reason]}`}`
  })

/** What a failed call means for the connection it was made on. */
export const lostByCall = (
  error: LinkRefused | RpcClientError.RpcClientError | { readonly message: string }
): LinkLost =>
  error instanceof LinkRefused
    ? lostByRefusal(error)
    : new LinkLost({ permanent: false, detail: `a call to the master failed: ${error.message}` })

/** The master closed the WebSocket, or it broke. Refusals carry their reason in the close frame. */
export const lostBySocket = ({ reason }: Socket.SocketError): LinkLost =>
  new LinkLost({
    permanent: false,
    detail:
      reason._tag === "SocketCloseError"
        ? `the connection was closed (${reason.code}${reason.closeReason ? `: ${reason.closeReason}` : ""})`
        : `the connection broke: ${reason.message}`
  })
