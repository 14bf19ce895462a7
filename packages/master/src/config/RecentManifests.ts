/**
 * Manifests by generation, so that an agent that has one gets what differs from it. Bounded: the one not asked for the
 * longest goes first, and its agents get whole bundles instead.
 */
import type { Generation } from "@nxmesh/protocol/Ids"
import type { Manifest } from "./Manifest.ts"

export class RecentManifests {
  /** In the order of their last use. */
  readonly #manifests = new Map<Generation, Manifest>()
  readonly #limits: { readonly manifestsMax: number; readonly entriesMax: number }
  #entries = 0

  constructor(limits: { readonly manifestsMax: number; readonly entriesMax: number }) {
    this.#limits = limits
  }

  get(generation: Generation): Manifest | undefined {
    const manifest = this.#manifests.get(generation)
    if (manifest !== undefined) this.remember(manifest)
    return manifest
  }

  remember(manifest: Manifest): void {
    const { generation } = manifest
    this.#forget(generation)
    this.#manifests.set(generation, manifest)
    this.#entries += manifest.entries.length
    for (const oldest of this.#manifests.keys()) {
      const fits = this.#manifests.size <= this.#limits.manifestsMax && this.#entries <= this.#limits.entriesMax
      if (fits || oldest === generation) return
      this.#forget(oldest)
    }
  }

  #forget(generation: Generation): void {
    this.#entries -= this.#manifests.get(generation)?.entries.length ?? 0
    this.#manifests.delete(generation)
  }

  get size(): number {
    return this.#manifests.size
  }
}
