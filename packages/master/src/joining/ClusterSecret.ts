/** What all masters of a cluster that forms by itself have in a file, and nobody else has (design-cluster.md 18). */
import { PrivateFileError, readPrivateFile } from "@nxmesh/core/crypto/PrivateFile"
import { Effect, Redacted } from "effect"

/** What cannot be guessed offline from a proof that was overheard. */
export const clusterSecretBytesMin = 32

/** A line end that an editor or `echo` left is no part of it. */
const withoutLineEnd = (content: Uint8Array): Uint8Array => {
  const end = content.at(-1) === 0x0a ? (content.at(-2) === 0x0d ? 2 : 1) : 0
  return content.subarray(0, content.length - end)
}

/** Fails when the file is missing, open to others, or too short to be a secret. */
export const loadClusterSecret = Effect.fn("ClusterSecret.load")(function* (
  path: string
): Effect.fn.Return<Redacted.Redacted<Uint8Array>, PrivateFileError> {
  const secret = withoutLineEnd(yield* readPrivateFile(path))
  if (secret.length < clusterSecretBytesMin) {
    return yield* new PrivateFileError({
      path,
      reason: "Content",
      message: `${path} holds ${secret.length} bytes, and a cluster secret needs at least ${clusterSecretBytesMin} random ones, the same on every master; to make one: (umask 077; openssl rand -hex 32 > ${path})`
    })
  }
  return Redacted.make(secret)
})
