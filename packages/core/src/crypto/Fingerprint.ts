import { X509Certificate } from "node:crypto"
import { sha256Hex } from "./Sha256.ts"

/** SHA-256 of a certificate's DER, in lower-case hexadecimal; of the first certificate when the text holds several. */
export const certificateFingerprint = (certificate: string | Uint8Array): string =>
  sha256Hex(new X509Certificate(certificate).raw)

/**
 * A fingerprint as people paste it: upper or lower case, with or without colons, with or without `SHA256:` before it.
 * `undefined` when it is not 32 bytes.
 */
export const parseFingerprint = (text: string): string | undefined => {
  const digits = text
    .trim()
    .replace(/^sha-?256[:=]/i, "")
    .replaceAll(":", "")
    .toLowerCase()
  return /^[0-9a-f]{64}$/.test(digits) ? digits : undefined
}
