/**
 * Signed calls from agent to master: HMAC-SHA256 (RFC 2104) over all that a call means, and over the TLS connection it
 * travels on (RFC 9266, `tls-exporter`), so that a recorded call is worth nothing later, elsewhere or altered. Pure:
 * time, keys and nonce cache come in; both ends use the same functions.
 */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto"
import { Data, Redacted, Result } from "effect"
import { Limits } from "../Limits.ts"
import { constantTimeEqual } from "./ConstantTime.ts"
import type { NonceCache } from "./NonceCache.ts"
import { sha256Hex } from "./Sha256.ts"

const { callWindowMillis } = Limits.crypto
/** A nonce is 16 random bytes in base64url. */
export const nonceBytes = 16
const noncePattern = /^[A-Za-z0-9_-]{22,64}$/

/** What a signature covers. */
export interface SignedCall {
  readonly agentId: string
  readonly keyId: string
  /** The verb: an HTTP method, or the kind of message on a stream. Case matters. */
  readonly method: string
  /** What is called: the path with its query, or the tag of the RPC. */
  readonly path: string
  readonly body: string | Uint8Array
  readonly timestampMillis: number
  readonly nonce: string
  /** The connection's exported keying material. */
  readonly binding: Uint8Array
}

export const callHeaders = {
  agentId: "x-agent-id",
  keyId: "x-key-id",
  signature: "x-signature",
  timestamp: "x-timestamp",
  nonce: "x-nonce"
} as const

export type CallRefusalReason =
  | "Malformed"
  | "Stale"
  | "Future"
  | "UnknownAgent"
  | "UnknownKey"
  | "BadSignature"
  | "Replayed"

export class CallRefused extends Data.TaggedError("CallRefused")<{
  readonly reason: CallRefusalReason
  readonly message: string
}> {}

/**
 * The exact text that is signed. Each part stands on a line of its own after its name, in JSON's quoting, so that no
 * choice of parts makes two calls read the same.
 */
export const canonicalCall = (call: SignedCall): string =>
  [
    "nxmesh-call-v1",
    `agent ${JSON.stringify(call.agentId)}`,
    `key ${JSON.stringify(call.keyId)}`,
    `method ${JSON.stringify(call.method)}`,
    `path ${JSON.stringify(call.path)}`,
    `body ${sha256Hex(call.body)}`,
    `timestamp ${call.timestampMillis}`,
    `nonce ${JSON.stringify(call.nonce)}`,
    `binding ${Buffer.from(call.binding).toString("hex")}`
  ].join("\n")

/** Keys as OpenSSL takes them: to make one anew for each call costs five times what the signature does. */
const keyObjects = new WeakMap<Redacted.Redacted<Uint8Array>, KeyObject>()

const keyObjectOf = (key: Redacted.Redacted<Uint8Array>): KeyObject => {
  const known = keyObjects.get(key)
  if (known !== undefined) return known
  const made = createSecretKey(Redacted.value(key))
  keyObjects.set(key, made)
  return made
}

const signatureOf = (call: SignedCall, key: Redacted.Redacted<Uint8Array>): string =>
  createHmac("sha256", keyObjectOf(key)).update(canonicalCall(call)).digest("base64url")

/** The five headers that make a call signed. */
export const signCall = (call: SignedCall, key: Redacted.Redacted<Uint8Array>): Record<string, string> => ({
  [callHeaders.agentId]: call.agentId,
  [callHeaders.keyId]: call.keyId,
  [callHeaders.timestamp]: String(call.timestampMillis),
  [callHeaders.nonce]: call.nonce,
  [callHeaders.signature]: signatureOf(call, key)
})

/** What the verifier itself saw of the call: none of it is the client's word. */
export interface ReceivedCall {
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly method: string
  readonly path: string
  readonly body: string | Uint8Array
  readonly binding: Uint8Array
}

/** Who claims to call, before anything is verified: which keys to look up. */
export interface CallClaim {
  readonly agentId: string
  readonly keyId: string
  readonly timestampMillis: number
  readonly nonce: string
  readonly signature: string
}

const refuse = (reason: CallRefusalReason, message: string) => Result.fail(new CallRefused({ reason, message }))

/** Reads the five headers. Their names are lower case, as Node gives them. */
export const readCallClaim = (headers: ReceivedCall["headers"]): Result.Result<CallClaim, CallRefused> => {
  const agentId = headers[callHeaders.agentId]
  const keyId = headers[callHeaders.keyId]
  const timestamp = headers[callHeaders.timestamp]
  const nonce = headers[callHeaders.nonce]
  const signature = headers[callHeaders.signature]
  if (!agentId || !keyId || !timestamp || !nonce || !signature) {
    return refuse("Malformed", `a signed call carries ${Object.values(callHeaders).join(", ")}`)
  }
  if (!/^\d{1,15}$/.test(timestamp)) return refuse("Malformed", "the timestamp is not in milliseconds since 1970")
  if (!noncePattern.test(nonce)) return refuse("Malformed", "the nonce is not 16 or more bytes in base64url")
  return Result.succeed({ agentId, keyId, timestampMillis: Number(timestamp), nonce, signature })
}

/** An agent's keys by id: primary and, during rotation, secondary. `undefined`: no such agent, or not enrolled. */
export type AgentKeys = ReadonlyMap<string, Redacted.Redacted<Uint8Array>> | undefined

export interface Verifier {
  readonly nowMillis: number
  readonly keys: AgentKeys
  readonly nonces: NonceCache
}

/**
 * Decides on a call whose claim was read. The nonce is remembered only after the signature was found good, so that
 * nobody can burn another's nonces or fill the cache.
 */
export const verifyCall = (
  call: ReceivedCall,
  claim: CallClaim,
  { keys, nonces, nowMillis }: Verifier
): Result.Result<void, CallRefused> => {
  const age = nowMillis - claim.timestampMillis
  if (age > callWindowMillis) return refuse("Stale", staleMessage(claim.timestampMillis, nowMillis))
  if (age < -callWindowMillis) return refuse("Future", staleMessage(claim.timestampMillis, nowMillis))
  if (keys === undefined) return refuse("UnknownAgent", "no enrolled agent has this id")
  const key = keys.get(claim.keyId)
  if (key === undefined) return refuse("UnknownKey", "the agent has no such key; it was rotated away or revoked")
  const { agentId, keyId, nonce, timestampMillis } = claim
  const { binding, body, method, path } = call
  const expected = signatureOf({ agentId, keyId, method, path, body, timestampMillis, nonce, binding }, key)
  if (!constantTimeEqual(expected, claim.signature)) {
    return refuse("BadSignature", "the signature does not belong to this call on this connection")
  }
  switch (nonces.admit(nonce, timestampMillis, nowMillis)) {
    case "Fresh":
      return Result.succeed(undefined)
    case "Replayed":
      return refuse("Replayed", "a call with this nonce was accepted before")
    case "Stale":
      return refuse("Stale", "the call is older than the calls still remembered; sign it again")
  }
}

const staleMessage = (signedMillis: number, nowMillis: number): string =>
  `the call was signed at ${new Date(signedMillis).toISOString()} by its sender's clock, and here it is ${new Date(
    nowMillis
  ).toISOString()}; ${callWindowMillis / 60_000} minutes between them are allowed`
