/**
 * The key-encryption key of a machine: 32 random bytes in a file of mode 0600, outside of every log, snapshot and
 * backup. Who has it and a backup has every secret; who loses it has none of them.
 */
import { Effect, Redacted } from "effect"
import { Identifiers } from "./Identifiers.ts"
import { createPrivateFile, PrivateFileError, readPrivateFile } from "./PrivateFile.ts"
import { sha256Hex } from "./Sha256.ts"

export const keyBytes = 32

export interface SealingKey {
  /** The first 16 hexadecimal digits of the key's SHA-256: names the key and tells nothing of it. */
  readonly keyId: string
  readonly key: Redacted.Redacted<Uint8Array>
}

export const sealingKey = (bytes: Uint8Array): SealingKey => ({
  keyId: sha256Hex(bytes).slice(0, 16),
  key: Redacted.make(bytes)
})

/** Reads the key. Fails when it is missing, readable by others, or not 32 bytes. */
export const loadKeyFile = Effect.fn("KeyFile.load")(function* (
  path: string
): Effect.fn.Return<SealingKey, PrivateFileError> {
  const bytes = yield* readPrivateFile(path)
  if (bytes.length !== keyBytes) {
    return yield* new PrivateFileError({
      path,
      reason: "Content",
      message: `${path} holds ${bytes.length} bytes, and a secrets key is ${keyBytes} random bytes; to make one: (umask 077; head -c ${keyBytes} /dev/urandom > ${path})`
    })
  }
  return sealingKey(bytes)
})

/** Reads the key, or makes it when no file is there. */
export const loadOrCreateKeyFile = Effect.fn("KeyFile.loadOrCreate")(function* (
  path: string
): Effect.fn.Return<SealingKey, PrivateFileError, Identifiers> {
  const identifiers = yield* Identifiers
  const made = yield* identifiers.randomBytes(keyBytes)
  return yield* loadKeyFile(path).pipe(
    Effect.catchIf(
      (error) => error.reason === "NotFound",
      () =>
        createPrivateFile(path, made).pipe(
          Effect.catchIf(
            (error) => error.reason === "Exists",
            () => Effect.void
          ),
          Effect.andThen(loadKeyFile(path))
        )
    )
  )
})
