/**
 * What is known to be refused, by generation, so that the same generation is not searched again, and so that a restart knows
 * which versions served. Sealed like the cache of bundles: a version that serves instead may be a certificate with its key.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { join } from "node:path"
import { loadOrCreateKeyFile } from "@nxmesh/core/crypto/KeyFile"
import type { Identifiers } from "@nxmesh/core/crypto/Identifiers"
import type { PrivateFileError } from "@nxmesh/core/crypto/PrivateFile"
import { makeSealer, type Sealer } from "@nxmesh/core/crypto/Sealer"
import * as AtomicFile from "@nxmesh/core/file/AtomicFile"
import type { FileError } from "@nxmesh/core/file/FileError"
import type { Generation } from "@nxmesh/protocol/Ids"
import { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import { SealedSecret } from "@nxmesh/protocol/model/SealedSecret"
import { Limits } from "../Limits.ts"
import { Quarantined } from "./Quarantine.ts"

const Known = Schema.Struct({
  generation: Schema.String,
  /** The binary that refused: another one may not. */
  nginx: Schema.String,
  quarantine: Schema.Array(Quarantined),
  /** What an outcome says of it. */
  reasons: Schema.Array(DeploymentError)
})
export type Known = typeof Known.Type

const SealedFile = Schema.fromJsonString(SealedSecret)
const Content = Schema.fromJsonString(Schema.toCodecJson(Schema.Array(Known)))
const place = "agent-quarantine"

const decode = (sealer: Sealer, text: string) =>
  Effect.gen(function* () {
    const sealed = yield* Schema.decodeUnknownEffect(SealedFile)(text)
    const plain = yield* Effect.fromResult(sealer.open(sealed, place))
    return yield* Schema.decodeUnknownEffect(Content)(new TextDecoder().decode(plain))
  })

const read = Effect.fnUntraced(function* (path: string, sealer: Sealer) {
  const bytes = yield* AtomicFile.readIfExists(path)
  if (bytes === null) return []
  // One that cannot be read costs a search.
  return yield* Effect.catch(decode(sealer, new TextDecoder().decode(bytes)), (error) =>
    Effect.as(Effect.logWarning(`what nginx refused before cannot be read and is searched again: ${error.message}`), [])
  )
})

export class QuarantineStore extends Context.Service<
  QuarantineStore,
  {
    /** What is left out of a generation; `null` when nothing is, or it is not known. */
    readonly of: (generation: Generation) => Known | null
    /** A disk that fails costs a search after a restart. */
    readonly keep: (known: Known) => Effect.Effect<void>
  }
>()("@nxmesh/agent/deploy/QuarantineStore") {
  static readonly layer = (
    dataDirectory: string
  ): Layer.Layer<QuarantineStore, FileError | PrivateFileError, Identifiers> =>
    Layer.effect(QuarantineStore, make(dataDirectory))
}

const make = Effect.fnUntraced(function* (dataDirectory: string) {
  yield* AtomicFile.makeDirectory(dataDirectory)
  const path = join(dataDirectory, "quarantine.sealed")
  const sealer = makeSealer(yield* loadOrCreateKeyFile(join(dataDirectory, "cache.key")))
  let all: ReadonlyArray<Known> = yield* read(path, sealer)

  const of = (generation: string) => all.find((known) => known.generation === generation) ?? null
  const write = Effect.suspend(() => {
    const text = JSON.stringify(sealer.seal(new TextEncoder().encode(Schema.encodeSync(Content)(all)), place))
    return Effect.catch(AtomicFile.write(path, text), (error) =>
      Effect.logWarning(`what nginx refuses is not kept for a restart: ${error.message}`)
    )
  })

  return QuarantineStore.of({
    of,
    keep: (known) =>
      Effect.suspend(() => {
        const before = of(known.generation)
        const isEmpty = known.quarantine.length === 0
        if (isEmpty ? before === null : before?.quarantine === known.quarantine && before.nginx === known.nginx) {
          return Effect.void
        }
        const others = all.filter(({ generation }) => generation !== known.generation)
        all = (isEmpty ? others : [...others, known]).slice(-Limits.quarantinesKeptMax)
        return write
      })
  })
})
