/**
 * A secret as it may be stored or replicated: AES-256-GCM under a data key that is itself wrapped by the
 * key-encryption key named here (envelope encryption). The associated data binds it to its place, so that a sealed
 * value copied elsewhere does not open.
 */
import { Schema } from "effect"

const base64 = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9+/]*={0,2}$/))

export const SealedSecret = Schema.Struct({
  /** Names the key-encryption key: the first 16 hexadecimal digits of its SHA-256. */
  key_id: Schema.String,
  wrapped_key: base64,
  nonce: base64,
  ciphertext: base64
}).annotate({ identifier: "SealedSecret" })
export type SealedSecret = typeof SealedSecret.Type
