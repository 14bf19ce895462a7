/** SHA-256 (FIPS 180-4) of text (as UTF-8) or bytes. */
import { hash } from "node:crypto"

/** Lower-case hexadecimal, 64 digits. */
export const sha256Hex = (data: string | Uint8Array): string => hash("sha256", data, "hex")

export const sha256Bytes = (data: string | Uint8Array): Uint8Array => hash("sha256", data, "buffer")
