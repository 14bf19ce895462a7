/** Makes keys that sign access tokens: RSA for RS256 (RFC 7518, section 3.3), named by their thumbprint (RFC 7638). */
import { Effect, Redacted } from "effect"
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from "jose"
import { Limits } from "../Limits.ts"
import type { SigningKey } from "./Cluster.ts"

const make = async (): Promise<SigningKey> => {
  const { privateKey, publicKey } = await generateKeyPair("RS256", {
    modulusLength: Limits.auth.signingKeyBits,
    extractable: true
  })
  const publicJwk = await exportJWK(publicKey)
  const keyId = await calculateJwkThumbprint(publicJwk)
  const naming = { kid: keyId, alg: "RS256", use: "sig" }
  return {
    keyId,
    publicJwk: { ...publicJwk, ...naming },
    privateJwk: Redacted.make({ ...(await exportJWK(privateKey)), ...naming })
  }
}

export const makeSigningKey: Effect.Effect<SigningKey> = Effect.promise(make)
