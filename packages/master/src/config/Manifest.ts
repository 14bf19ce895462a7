/**
 * What a bundle consists of, without its secrets: entries sorted by key. A manifest is immutable and shares its entries
 * with the manifests before and after it, so that keeping many costs little and a change costs what it touches.
 */
import { generationOf } from "@nxmesh/core/nginx/Generation"
import type { Generation, Sha256 } from "@nxmesh/protocol/Ids"
import type { BundleResource } from "@nxmesh/protocol/model/Bundle"
import type { StoredCertificate } from "@nxmesh/protocol/model/Certificate"

/** One resource of a bundle. A certificate's key stays sealed here; `checksum` does not depend on it. */
export type Entry =
  | { readonly _tag: "Plain"; readonly key: string; readonly checksum: Sha256; readonly resource: BundleResource }
  | {
      readonly _tag: "Sealed"
      readonly key: string
      readonly checksum: Sha256
      readonly certificate: StoredCertificate
    }

export class Manifest {
  readonly entries: ReadonlyArray<Entry>
  #generation: Generation | undefined

  /** `entries` are sorted by key, each key once. */
  constructor(entries: ReadonlyArray<Entry>) {
    this.entries = entries
  }

  /** The hash that names the content; computed once, when first asked for. */
  get generation(): Generation {
    return (this.#generation ??= generationOf(this.entries))
  }

  static readonly of = (entries: Iterable<Entry>): Manifest =>
    new Manifest([...entries].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)))
}

/** The index of the first entry whose key is not below `key`. */
const positionOf = (entries: ReadonlyArray<Entry>, key: string): number => {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = entries[middle]
    if (entry !== undefined && entry.key < key) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * The manifest after these keys may have changed: `wanted` answers each key's entry, or `undefined` when it does not
 * belong. The same manifest when no content changed, so identity tells whether there is anything to deploy.
 */
export const patched = (
  manifest: Manifest,
  keys: Iterable<string>,
  wanted: (key: string) => Entry | undefined
): Manifest => {
  const before = manifest.entries
  const after: Array<Entry> = []
  let copied = 0
  let changed = false
  for (const key of [...keys].sort()) {
    const position = positionOf(before, key)
    const present = before[position]?.key === key ? before[position] : undefined
    const entry = wanted(key)
    if (entry?.checksum === present?.checksum) continue
    changed = true
    for (; copied < position; copied++) push(after, before[copied])
    push(after, entry)
    if (present !== undefined) copied = position + 1
  }
  if (!changed) return manifest
  for (; copied < before.length; copied++) push(after, before[copied])
  return new Manifest(after)
}

const push = (entries: Array<Entry>, entry: Entry | undefined): void => {
  if (entry !== undefined) entries.push(entry)
}

/** What turns one manifest into another. */
export interface ManifestDelta {
  readonly put: ReadonlyArray<Entry>
  /** Keys. */
  readonly removed: ReadonlyArray<string>
}

/** One walk over both, comparing checksums only where the entries are not the same. */
export const deltaBetween = (base: Manifest, target: Manifest): ManifestDelta => {
  const put: Array<Entry> = []
  const removed: Array<string> = []
  let index = 0
  for (const entry of target.entries) {
    for (; ; index++) {
      const old = base.entries[index]
      if (old === undefined || old.key >= entry.key) break
      removed.push(old.key)
    }
    const old = base.entries[index]
    if (old?.key !== entry.key) {
      put.push(entry)
      continue
    }
    index++
    if (old !== entry && old.checksum !== entry.checksum) put.push(entry)
  }
  for (; index < base.entries.length; index++) {
    const old = base.entries[index]
    if (old !== undefined) removed.push(old.key)
  }
  return { put, removed }
}
