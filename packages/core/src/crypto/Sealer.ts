/**
 * Envelope encryption: each secret under a data key of its own (AES-256-GCM, NIST SP 800-38D), that data key under the
 * key-encryption key. A new key-encryption key re-wraps the small data keys and touches no ciphertext. The associated
 * data binds a sealed value to its place (`certificate:<id>`), so that one copied elsewhere does not open.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import type { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Data, Redacted, Result } from "effect"
import { keyBytes, type SealingKey } from "./KeyFile.ts"

const algorithm = "aes-256-gcm"
const nonceBytes = 12
const tagBytes = 16

export class SealError extends Data.TaggedError("SealError")<{
  /** `OtherKey`: sealed under another key-encryption key. `Damaged`: changed, or moved from the place it was sealed for. */
  readonly reason: "OtherKey" | "Damaged"
  readonly message: string
}> {}

export interface Sealer {
  readonly keyId: string
  /** Never the same twice: data key and nonce are fresh. */
  readonly seal: (plain: Uint8Array, associatedData: string) => SealedSecret
  readonly open: (sealed: SealedSecret, associatedData: string) => Result.Result<Uint8Array, SealError>
}

const encrypt = (key: Uint8Array, nonce: Uint8Array, plain: Uint8Array, associatedData: string): Buffer => {
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(associatedData))
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

const decrypt = (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array, associatedData: string): Uint8Array => {
  const text = sealed.subarray(0, sealed.length - tagBytes)
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(associatedData))
    .setAuthTag(sealed.subarray(sealed.length - tagBytes))
  return new Uint8Array(Buffer.concat([decipher.update(text), decipher.final()]))
}

/** The wrapped key is nonce, encrypted data key and tag in one; its associated data names the wrapping key. */
const wrapContext = (keyId: string): string => `nxmesh-data-key:${keyId}`

/** The same secret under another key-encryption key: the small data key is wrapped anew, and the ciphertext stays as it is. */
export const rewrapped = (
  sealed: SealedSecret,
  from: SealingKey,
  to: SealingKey
): Result.Result<SealedSecret, SealError> => {
  if (sealed.key_id !== from.keyId) {
    return Result.fail(
      new SealError({
        reason: "OtherKey",
        message: `the secret is sealed under key ${sealed.key_id}, not ${from.keyId}`
      })
    )
  }
  try {
    const wrapped = Buffer.from(sealed.wrapped_key, "base64")
    const dataKey = decrypt(
      Redacted.value(from.key),
      wrapped.subarray(0, nonceBytes),
      wrapped.subarray(nonceBytes),
      wrapContext(from.keyId)
    )
    const nonce = randomBytes(nonceBytes)
    const anew = encrypt(Redacted.value(to.key), nonce, dataKey, wrapContext(to.keyId))
    dataKey.fill(0)
    return Result.succeed({
      ...sealed,
      key_id: to.keyId,
      wrapped_key: Buffer.concat([nonce, anew]).toString("base64")
    })
  } catch {
    // As when a secret is opened: which part failed is nobody's business.
    return Result.fail(new SealError({ reason: "Damaged", message: "the wrapped key does not open: it was changed" }))
  }
}

export const makeSealer = ({ key, keyId }: SealingKey): Sealer => ({
  keyId,
  seal: (plain, associatedData) => {
    const dataKey = randomBytes(keyBytes)
    const wrapNonce = randomBytes(nonceBytes)
    const nonce = randomBytes(nonceBytes)
    const wrapped = encrypt(Redacted.value(key), wrapNonce, dataKey, wrapContext(keyId))
    const ciphertext = encrypt(dataKey, nonce, plain, associatedData)
    dataKey.fill(0)
    return {
      key_id: keyId,
      wrapped_key: Buffer.concat([wrapNonce, wrapped]).toString("base64"),
      nonce: nonce.toString("base64"),
      ciphertext: ciphertext.toString("base64")
    }
  },
  open: (sealed, associatedData) => {
    if (sealed.key_id !== keyId) {
      return Result.fail(
        new SealError({
          reason: "OtherKey",
          message: `the secret is sealed under key ${sealed.key_id}, and the key file here holds key ${keyId}`
        })
      )
    }
    try {
      const wrapped = Buffer.from(sealed.wrapped_key, "base64")
      const dataKey = decrypt(
        Redacted.value(key),
        wrapped.subarray(0, nonceBytes),
        wrapped.subarray(nonceBytes),
        wrapContext(keyId)
      )
      const plain = decrypt(
        dataKey,
        Buffer.from(sealed.nonce, "base64"),
        Buffer.from(sealed.ciphertext, "base64"),
        associatedData
      )
      dataKey.fill(0)
      return Result.succeed(plain)
    } catch {
      // node:crypto says no more than "unable to authenticate data", and which part failed is nobody's business.
      return Result.fail(
        new SealError({
          reason: "Damaged",
          message: "the sealed secret does not open: it was changed, or moved from the place it was sealed for"
        })
      )
    }
  }
})
