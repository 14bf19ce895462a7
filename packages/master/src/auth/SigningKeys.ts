/** The keys that sign access tokens: RSA for RS256 (RFC 7518, section 3.3), named by their thumbprint (RFC 7638). */
import { Context, Effect, Redacted } from "effect"
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose"
import { Limits } from "../Limits.ts"

export interface SigningKey {
  /** The `kid` of tokens. */
  readonly keyId: string
  readonly publicJwk: JWK
  readonly privateJwk: Redacted.Redacted<JWK>
}

/** The cluster's keys, opened; the cluster's first start makes them. */
export class SigningKeys extends Context.Service<
  SigningKeys,
  {
    /** The `iss` of tokens. */
    readonly issuer: string
    /** The newest first: it signs; all of them verify. */
    readonly keys: readonly [SigningKey, ...ReadonlyArray<SigningKey>]
  }
>()("@nxmesh/master/auth/SigningKeys") {}

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
