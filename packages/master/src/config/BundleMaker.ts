/**
 * Manifests as the bundles that travel: with the private keys, opened. A key is held as long as its entry is in some
 * manifest, and a bundle as long as its manifest; neither is ever written down here.
 */
import type { Bundle, BundleResource } from "@nxmesh/protocol/model/Bundle"
import type { BundleUpdate } from "@nxmesh/protocol/model/BundleUpdate"
import { Effect, Redacted } from "effect"
import { Limits } from "../Limits.ts"
import { Secrets, sealedPlaces } from "../secrets/Secrets.ts"
import { KeyUnreadable } from "./BundleError.ts"
import { certificateResource } from "./Entries.ts"
import { deltaBetween, type Entry, type Manifest } from "./Manifest.ts"

export interface BundleMaker {
  readonly bundle: (manifest: Manifest) => Effect.Effect<Bundle, KeyUnreadable>
  /** What differs from `base`, or all of it when there is no base or little would be saved. */
  readonly update: (manifest: Manifest, base: Manifest | undefined) => Effect.Effect<BundleUpdate, KeyUnreadable>
}

export const makeBundleMaker: Effect.Effect<BundleMaker, never, Secrets> = Effect.gen(function* () {
  const secrets = yield* Secrets
  const opened = new WeakMap<Entry, BundleResource>()
  const bundles = new WeakMap<Manifest, Bundle>()

  const open = Effect.fnUntraced(function* (entry: Extract<Entry, { readonly _tag: "Sealed" }>) {
    const { certificate } = entry
    const place = sealedPlaces.certificate(certificate.id)
    const key = yield* Effect.mapError(
      secrets.open(certificate.private_key, place),
      (cause) => new KeyUnreadable({ certificateId: certificate.id, name: certificate.name, cause })
    )
    const resource = certificateResource(certificate, Redacted.value(key))
    opened.set(entry, resource)
    return resource
  })

  const resources = Effect.fnUntraced(function* (entries: ReadonlyArray<Entry>) {
    const made: Array<BundleResource> = []
    for (const entry of entries) {
      if (entry._tag === "Plain") made.push(entry.resource)
      else made.push(opened.get(entry) ?? (yield* open(entry)))
    }
    return made
  })

  const bundle = Effect.fnUntraced(function* (manifest: Manifest) {
    const known = bundles.get(manifest)
    if (known !== undefined) return known
    const made: Bundle = { generation: manifest.generation, resources: yield* resources(manifest.entries) }
    bundles.set(manifest, made)
    return made
  })

  /** A fleet goes from one manifest to the next together: what travels is computed once. */
  const updates = new WeakMap<Manifest, WeakMap<Manifest, BundleUpdate>>()

  const update = Effect.fnUntraced(function* (manifest: Manifest, base: Manifest | undefined) {
    const known = base === undefined ? undefined : updates.get(manifest)?.get(base)
    if (known !== undefined) return known
    const made = yield* makeUpdate(manifest, base)
    if (base !== undefined) {
      const bases = updates.get(manifest) ?? new WeakMap<Manifest, BundleUpdate>()
      updates.set(manifest, bases.set(base, made))
    }
    return made
  })

  const makeUpdate = Effect.fnUntraced(function* (
    manifest: Manifest,
    base: Manifest | undefined
  ): Effect.fn.Return<BundleUpdate, KeyUnreadable> {
    const delta = base === undefined ? undefined : deltaBetween(base, manifest)
    const changes = delta === undefined ? Infinity : delta.put.length + delta.removed.length
    if (base === undefined || delta === undefined || changes > manifest.entries.length * Limits.config.deltaShareMax) {
      return { _tag: "Full", bundle: yield* bundle(manifest) }
    }
    return {
      _tag: "Delta",
      base: base.generation,
      generation: manifest.generation,
      put: yield* resources(delta.put),
      removed: delta.removed
    }
  })

  return { bundle, update }
})
