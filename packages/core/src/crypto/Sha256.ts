/** SHA-256 (FIPS 180-4) of text (as UTF-8) or bytes. */
import { createHash } from "node:crypto"

/** Lower-case hexadecimal, 64 digits. */
export const sha256Hex = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex")

export const sha256Bytes = (data: string | Uint8Array): Uint8Array => createHash("sha256").update(data).digest()
