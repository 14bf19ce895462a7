/** Makes a signing key, on somebody's word or because the newest is old: others learn of it before it signs. */
import { Duration, Effect, Redacted } from "effect"
import { makeSigningKey } from "../auth/SigningKeys.ts"
import type { Command } from "@nxmesh/protocol/Command"
import { Limits } from "../Limits.ts"
import { sealedPlaces, Secrets } from "../secrets/Secrets.ts"

export const newSigningKey = Effect.gen(function* () {
  const { seal } = yield* Secrets
  const key = yield* makeSigningKey
  const privateJwk = Redacted.make(JSON.stringify(Redacted.value(key.privateJwk)))
  const command: Command = {
    _tag: "AddSigningKey",
    key_id: key.keyId,
    public_jwk: key.publicJwk,
    private_jwk: yield* seal(privateJwk, sealedPlaces.signingKey(key.keyId)),
    signs_after_seconds: Duration.toSeconds(Limits.keys.signingKeyPublished)
  }
  return command
})
