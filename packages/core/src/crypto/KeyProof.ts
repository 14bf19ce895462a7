/**
 * Shows that one holds a secret without sending it: an HMAC-SHA256 (RFC 2104) under a key that is derived from the secret
 * for this purpose alone (HKDF, RFC 5869), over texts that belong to this one occasion. Whoever sees a proof learns nothing
 * of the secret and cannot use it elsewhere, as long as the texts bind it to a connection or a fresh value.
 */
import { createHmac, hkdfSync } from "node:crypto"
import { constantTimeEqual } from "./ConstantTime.ts"

const derivedBytes = 32

/** Each text with its length before it, so that no two lists of texts give the same bytes. */
const framed = (texts: ReadonlyArray<string | Uint8Array>): Buffer =>
  Buffer.concat(
    texts.flatMap((text) => {
      const bytes = Buffer.from(text)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    })
  )

/** In base64. `purpose` separates the keys: a proof for one never serves for another. */
export const keyProof = (secret: Uint8Array, purpose: string, texts: ReadonlyArray<string | Uint8Array>): string => {
  const key = Buffer.from(hkdfSync("sha256", secret, Buffer.alloc(0), `nxmesh proof: ${purpose}`, derivedBytes))
  return createHmac("sha256", key).update(framed(texts)).digest("base64")
}

/** Whether the proof was made with this secret, for this purpose and these texts. In constant time. */
export const isKeyProof = (
  proof: string,
  secret: Uint8Array,
  purpose: string,
  texts: ReadonlyArray<string | Uint8Array>
): boolean => constantTimeEqual(proof, keyProof(secret, purpose, texts))
