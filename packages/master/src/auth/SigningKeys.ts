/** The keys that sign access tokens: RSA for RS256 (RFC 7518, section 3.3), named by their thumbprint (RFC 7638). */
import { Context, Effect, Redacted } from "effect"
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose"
import { Limits } from "../Limits.ts"

export interface SigningKey {
  /** The `kid` of tokens. */
  readonly keyId: string
  readonly publicJwk: JWK
  readonly privateJwk: Redacted.Redacted<JWK>
  /** Milliseconds since 1970: signs from then on. */
  readonly signsFromMillis: number
}

/** Pure: which of the keys, the newest first, signs. The oldest does when all are still to come: a clock may be behind. */
export const signerOf = (keys: readonly [SigningKey, ...ReadonlyArray<SigningKey>], nowMillis: number): SigningKey =>
  keys.find(({ signsFromMillis }) => signsFromMillis <= nowMillis) ?? keys.at(-1) ?? keys[0]

/** The cluster's keys as they are now, opened; the cluster's first start makes the first of them. */
export class SigningKeys extends Context.Service<
  SigningKeys,
  {
    /** The `iss` of tokens. */
    readonly issuer: string
    /** The newest first. All of them verify, also one that does not sign yet: others have to learn of it before. */
    readonly keys: Effect.Effect<readonly [SigningKey, ...ReadonlyArray<SigningKey>]>
    /** The newest whose time to sign has come. */
    readonly signer: Effect.Effect<SigningKey>
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
    privateJwk: Redacted.make({ ...(await exportJWK(privateKey)), ...naming }),
    signsFromMillis: 0
  }
}

export const makeSigningKey: Effect.Effect<SigningKey> = Effect.promise(make)
