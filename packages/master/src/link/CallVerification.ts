/** Decides whether a request may be decoded at all: its headers, its signature, and whose connection it came on. */
import { callHeaders, type CallRefusalReason, readCallClaim, verifyCall } from "@nxmesh/core/crypto/CallSignature"
import { AgentId } from "@nxmesh/protocol/Ids"
import { type LinkRefused, refused, type RefusalReason } from "@nxmesh/protocol/link/LinkRefused"
import { type AgentRequest, callMethod, callPath, enrolmentProcedure } from "@nxmesh/protocol/link/SignedCall"
import { Clock, Effect, Result, Schema } from "effect"
import { AgentDirectory } from "./AgentDirectory.ts"
import type { LinkConnection } from "./LinkConnection.ts"

const signatureNames: ReadonlySet<string> = new Set(Object.values(callHeaders))

const reasons: Record<CallRefusalReason, RefusalReason> = {
  Malformed: "unsigned",
  Stale: "stale",
  Future: "stale",
  UnknownAgent: "unknown_agent",
  UnknownKey: "unknown_key",
  BadSignature: "bad_signature",
  Replayed: "replay"
}

const identityHeader = (name: string) =>
  refused(
    "identity_header",
    `the header ${JSON.stringify(name.slice(0, 64))} has no place on a call: identity comes from its signature alone`
  )

/** The headers by name; refused when one is foreign or there twice. */
export const signatureOnly = (
  headers: AgentRequest["headers"],
  allowed: ReadonlySet<string>
): Result.Result<Record<string, string>, LinkRefused> => {
  const found: Record<string, string> = {}
  for (const [name, value] of headers) {
    if (!allowed.has(name) || found[name] !== undefined) return Result.fail(identityHeader(name))
    found[name] = value
  }
  return Result.succeed(found)
}

/** True for a header of the upgrade by which someone would claim to be an agent, or to come from elsewhere. */
export const isIdentityHeader = (name: string): boolean =>
  signatureNames.has(name) ||
  name === "authorization" ||
  name === "forwarded" ||
  /^x-(nxmesh|agent|peer|forwarded)/.test(name)

const isAgentId = Schema.is(AgentId)

/** The agent that signed the request, or `null` for an enrolment; fails with what to tell the client. */
export const verifyRequest = Effect.fnUntraced(function* (
  connection: LinkConnection,
  request: AgentRequest
): Effect.fn.Return<AgentId | null, LinkRefused, AgentDirectory> {
  if (request.tag === enrolmentProcedure) {
    yield* Effect.fromResult(signatureOnly(request.headers, new Set()))
    return null
  }
  const headers = yield* Effect.fromResult(signatureOnly(request.headers, signatureNames))
  const claim = yield* Effect.fromResult(readCallClaim(headers)).pipe(
    Effect.mapError(({ message, reason }) => refused(reasons[reason], message))
  )
  const { agentId } = claim
  if (!isAgentId(agentId)) return yield* refused("unknown_agent", "the agent id is not a UUID")
  if (connection.agentId !== null && connection.agentId !== agentId) {
    return yield* refused("other_agent", "this connection belongs to another agent: open one of your own")
  }
  const directory = yield* AgentDirectory
  const keys = yield* directory.keys(agentId, claim.keyId)
  const nowMillis = yield* Clock.currentTimeMillis
  const call = {
    headers,
    method: callMethod,
    path: callPath(request.tag),
    body: request.payload,
    binding: connection.binding
  }
  yield* Effect.fromResult(verifyCall(call, claim, { nowMillis, keys, nonces: connection.nonces })).pipe(
    Effect.mapError(({ message, reason }) => refused(reasons[reason], message))
  )
  connection.keyId = claim.keyId
  return agentId
})
