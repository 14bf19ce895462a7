/**
 * A manifest as version numbers, small enough for the log: what an agent serves can be shown again after a restart,
 * from the history of its resources. The hash tells whether what was put together again is the same.
 */
import type { CertificateId, Generation } from "@nxmesh/protocol/Ids"
import type { VersionedKind } from "@nxmesh/protocol/model/ResourceKind"
import { Template } from "@nxmesh/protocol/model/Template"
import { Upstream } from "@nxmesh/protocol/model/Upstream"
import { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Effect, Option, Schema } from "effect"
import { Limits } from "../Limits.ts"
import type { Reads } from "../state/Reads.ts"
import type { Catalogue } from "./Catalogue.ts"
import { certificateEntry, hostEntry, templateEntry, upstreamEntry } from "./Entries.ts"
import { type Entry, Manifest } from "./Manifest.ts"
import { stamped } from "./Snapshots.ts"

type ReadsService = Reads["Service"]

/** Version numbers by bundle key. Built-in templates have no versions. */
export type GenerationVersions = Readonly<Record<string, number>>

/** `undefined` for a manifest too large to record: master and agents keep those as long as they run. */
export const versionsOf = Effect.fnUntraced(function* (reads: ReadsService, catalogue: Catalogue, manifest: Manifest) {
  if (manifest.entries.length > Limits.config.recordedResourcesMax) return undefined
  const versions: Record<string, number> = {}
  for (const entry of manifest.entries) {
    const resource = versionedResource(catalogue, entry)
    if (resource === undefined) continue
    const latest = yield* reads.latestVersion(resource.kind, resource.id)
    if (latest !== undefined) versions[entry.key] = latest.version_number
  }
  return versions satisfies GenerationVersions
})

interface Versioned {
  readonly kind: VersionedKind
  readonly id: string
}

const versionedResource = (catalogue: Catalogue, entry: Entry): Versioned | undefined => {
  if (entry._tag === "Sealed") return { kind: "certificate", id: entry.certificate.id }
  const { resource } = entry
  if (resource._tag !== "template") return { kind: resource._tag, id: resource.data.id }
  return templateOf(catalogue, resource.key)
}

/** A custom template is known by its workspace and name; one that was renamed or deleted since is not found. */
const templateOf = (catalogue: Catalogue, key: string): Versioned | undefined => {
  const template = catalogue.templateAt(key)
  return template === undefined ? undefined : { kind: "template", id: template.id }
}

const kindAndId = (catalogue: Catalogue, key: string): Versioned | undefined => {
  const [kind, id = ""] = key.split(":", 2)
  if (kind === "template") return templateOf(catalogue, key)
  return kind === "virtual_host" || kind === "upstream" || kind === "certificate" ? { kind, id } : undefined
}

/** The manifest that had this generation, or `undefined` when its history does not lead back to it. */
export const manifestFrom = Effect.fnUntraced(function* (
  reads: ReadsService,
  catalogue: Catalogue,
  generation: Generation,
  versions: GenerationVersions
) {
  const entries: Array<Entry> = []
  for (const [key, number] of Object.entries(versions)) {
    const resource = kindAndId(catalogue, key)
    const entry = resource === undefined ? undefined : yield* entryAt(reads, resource, number)
    if (entry === undefined) return undefined
    entries.push(entry)
  }
  const builtIn = catalogue.builtInEntries()
  const used = new Set(entries.flatMap((entry) => templatesUsed(entry)))
  const manifest = Manifest.of([...entries, ...builtIn.filter(({ key }) => used.has(key))])
  return manifest.generation === generation ? manifest : undefined
})

const templatesUsed = (entry: Entry): ReadonlyArray<string> =>
  entry._tag === "Plain" && entry.resource._tag === "virtual_host" ? [`template:${entry.resource.data.template}`] : []

const entryAt = Effect.fnUntraced(function* (reads: ReadsService, { id, kind }: Versioned, number: number) {
  if (kind === "certificate") {
    const content = yield* reads.certificateVersion(id as CertificateId, number)
    return content === undefined
      ? undefined
      : certificateEntry({ ...content, created_at: content.issued_at, updated_at: content.issued_at, revision: 1 })
  }
  const data = stamped((yield* reads.version(kind, id, number))?.data)
  const decoded = {
    virtual_host: () => Option.map(Schema.decodeUnknownOption(VirtualHost)(data), hostEntry),
    upstream: () => Option.map(Schema.decodeUnknownOption(Upstream)(data), upstreamEntry),
    template: () => Option.map(Schema.decodeUnknownOption(Template)(data), templateEntry)
  }
  return Option.getOrUndefined(decoded[kind]())
})
