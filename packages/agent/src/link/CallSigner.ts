/** Signs the calls of one connection with the agent's current key. */
import { nonceBytes, signCall } from "@nxmesh/core/crypto/CallSignature"
import { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import { callMethod, callPath, enrolmentProcedure } from "@nxmesh/protocol/link/SignedCall"
import { Clock, Effect, Redacted } from "effect"
import { Identity } from "./Identity.ts"

export type CallSigner = (procedure: string, body: string) => Effect.Effect<ReadonlyArray<[string, string]>>

/**
 * @param binding the connection's, RFC 9266
 */
export const makeCallSigner = Effect.fnUntraced(function* (binding: Uint8Array) {
  const identity = yield* Identity
  const identifiers = yield* Identifiers
  const signer: CallSigner = Effect.fnUntraced(function* (procedure, body) {
    const enrolled = yield* identity.enrolled
    if (procedure === enrolmentProcedure || enrolled === null) return []
    const { agentId, key, keyId } = enrolled
    const nonce = Redacted.value(yield* identifiers.token(nonceBytes))
    const timestampMillis = yield* Clock.currentTimeMillis
    const path = callPath(procedure)
    return Object.entries(
      signCall({ agentId, keyId, method: callMethod, path, body, timestampMillis, nonce, binding }, key)
    )
  })
  return signer
})
