/**
 * The last good bundle on disk, sealed: it holds private keys. With it an agent that starts without a master can serve, and
 * a master may send a delta. The key lies beside it, 0600; it guards copies and backups of the cache, not a stolen disk.
 */
import { Effect, Layer, Ref, Schema } from "effect"
import { join } from "node:path"
import { loadOrCreateKeyFile } from "@nxmesh/core/crypto/KeyFile"
import type { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { PrivateFileError } from "@nxmesh/core/crypto/PrivateFile"
import { makeSealer, type Sealer } from "@nxmesh/core/crypto/Sealer"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import { Bundle } from "@nxmesh/protocol/model/Bundle"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Limits } from "../Limits.ts"
import { HeldBundle } from "../bundle/HeldBundle.ts"

const SealedFile = Schema.fromJsonString(SealedSecret)
const BundleText = Schema.fromJsonString(Schema.toCodecJson(Bundle))
const place = "agent-bundle-cache"

const encode = (sealer: Sealer, bundle: Bundle): string =>
  JSON.stringify(sealer.seal(new TextEncoder().encode(Schema.encodeSync(BundleText)(bundle)), place))

/** The bundle in a cache file, or why it cannot be read. */
export const decode = (sealer: Sealer, text: string): Effect.Effect<Bundle, { readonly message: string }> =>
  Effect.gen(function* () {
    const sealed = yield* Schema.decodeUnknownEffect(SealedFile)(text)
    const plain = yield* Effect.fromResult(sealer.open(sealed, place))
    return yield* Schema.decodeUnknownEffect(BundleText)(new TextDecoder().decode(plain))
  })

const read = Effect.fnUntraced(function* (path: string, sealer: Sealer) {
  const bytes = yield* AtomicFile.readIfExists(path)
  if (bytes === null) return null
  // A cache that cannot be read costs one whole bundle from the master, so it stops nothing.
  return yield* Effect.catch(decode(sealer, new TextDecoder().decode(bytes)), (error) =>
    Effect.as(Effect.logWarning(`the cached bundle cannot be read and is not used: ${error.message}`), null)
  )
})

/** A `HeldBundle` that survives restarts. */
export const layer = (dataDirectory: string): Layer.Layer<HeldBundle, FileError | PrivateFileError, Identifiers> =>
  Layer.effect(
    HeldBundle,
    Effect.gen(function* () {
      yield* AtomicFile.makeDirectory(dataDirectory)
      const path = join(dataDirectory, "bundle.sealed")
      const sealer = makeSealer(yield* loadOrCreateKeyFile(join(dataDirectory, "cache.key")))
      const held = yield* Ref.make(yield* read(path, sealer))

      const write = Effect.fnUntraced(function* (bundle: Bundle) {
        const text = encode(sealer, bundle)
        if (text.length > Limits.cachedBundleBytesMax) {
          return yield* Effect.logWarning("the bundle is too large to be cached", { bytes: text.length })
        }
        yield* Effect.catch(AtomicFile.write(path, text), (error) =>
          Effect.logWarning(`the bundle cannot be cached: ${error.message}`)
        )
      })
      return HeldBundle.of({
        latest: Ref.get(held),
        keep: (bundle) => Effect.andThen(Ref.set(held, bundle), write(bundle))
      })
    })
  )
