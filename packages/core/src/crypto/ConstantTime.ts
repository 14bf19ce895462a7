import { timingSafeEqual } from "node:crypto"
import { sha256Bytes } from "./Sha256.ts"

/**
 * Compares two secrets in a time that does not depend on where they differ. Both are hashed first, so that neither
 * their lengths nor a common prefix shows.
 */
export const constantTimeEqual = (a: string | Uint8Array, b: string | Uint8Array): boolean =>
  timingSafeEqual(sha256Bytes(a), sha256Bytes(b))
