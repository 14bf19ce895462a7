/**
 * Where ids and secret tokens come from. A service, so that a test can fix them; nothing else makes an id.
 */
import { randomBytes } from "node:crypto"
import { Context, Effect, Layer, Redacted } from "effect"
import { SecureRandom } from "effect/crypto"

export class Identifiers extends Context.Service<
  Identifiers,
  {
    /** A UUID version 7 (RFC 9562), from the Clock and secure randomness; each sorts after the one before. Not a secret. */
    readonly uuid: Effect.Effect<string>
    /** A secret of so many random bytes, in base64url without padding. 16 bytes are 128 bits. */
    readonly token: (bytes: number) => Effect.Effect<Redacted.Redacted<string>>
    readonly randomBytes: (bytes: number) => Effect.Effect<Uint8Array>
  }
>()("@nxmesh/core/crypto/Identifiers") {
  static readonly layer = Layer.sync(Identifiers, () => {
    const random = SecureRandom.make((size) => randomBytes(size))
    return Identifiers.of({
      uuid: random.uuidV7(),
      token: (bytes) =>
        Effect.map(random.randomBytes(bytes), (secret) => Redacted.make(Buffer.from(secret).toString("base64url"))),
      randomBytes: random.randomBytes
    })
  })
}
