/** What names a bundle: hashes over the canonical content of its resources. */
import { createHash } from "node:crypto"
import { Generation, Sha256 } from "@nxmesh/protocol/Ids"
import type { Bundle, BundleCertificate, BundleResource, BundleTemplate } from "@nxmesh/protocol/model/Bundle"
import { bundleKey, generationText } from "@nxmesh/protocol/model/Bundle"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"

/**
 * Canonical JSON (RFC 8785): keys sorted by UTF-16 code units, no spaces, numbers and texts as ECMAScript writes them.
 * Keys whose value is `undefined` are left out. The value must be JSON data otherwise.
 */
export const canonicalJson = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(",")}]`
  if (typeof value !== "object" || value === null) {
    if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("JSON has no such number")
    return JSON.stringify(value)
  }
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  entries.sort(([left], [right]) => (left < right ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(",")}}`
}

export const sha256 = (text: string): Sha256 => Sha256.make(createHash("sha256").update(text).digest("hex"))

/** A resource before it has its key and checksum. */
export type ResourceContent =
  | { readonly _tag: "virtual_host"; readonly data: VirtualHost }
  | { readonly _tag: "upstream"; readonly data: Upstream }
  | { readonly _tag: "certificate"; readonly data: BundleCertificate }
  | { readonly _tag: "template"; readonly data: BundleTemplate }

/** Do not change what nginx does: stamps, and which agents a host targets (that decides whose bundle it is in). */
const outsideContent = new Set(["created_at", "updated_at", "revision", "target_agents"])

const contentOf = (resource: ResourceContent): unknown => {
  if (resource._tag === "certificate") {
    const { certificate_pem, id, name, secret_version_id } = resource.data
    return { id, name, certificate_pem, secret_version_id }
  }
  return Object.fromEntries(Object.entries(resource.data).filter(([field]) => !outsideContent.has(field)))
}

/** SHA-256 of what a generation depends on in a resource. A certificate counts by its key's version, not the key. */
export const resourceChecksum = (resource: ResourceContent): Sha256 => sha256(canonicalJson(contentOf(resource)))

export const resourceKey = (resource: ResourceContent): string => {
  switch (resource._tag) {
    case "virtual_host":
      return bundleKey.virtualHost(resource.data.id)
    case "upstream":
      return bundleKey.upstream(resource.data.id)
    case "certificate":
      return bundleKey.certificate(resource.data.id)
    case "template":
      return bundleKey.template(resource.data.workspace_id, resource.data.name)
  }
}

export const makeResource = (resource: ResourceContent): BundleResource => ({
  ...resource,
  key: resourceKey(resource),
  checksum: resourceChecksum(resource)
})

export const generationOf = (
  resources: ReadonlyArray<{ readonly key: string; readonly checksum: string }>
): Generation => Generation.make(sha256(generationText(resources)))

/** A bundle of these resources, sorted by key; of two with one key the last counts. */
export const makeBundle = (contents: Iterable<ResourceContent | BundleResource>): Bundle => {
  const byKey = new Map<string, BundleResource>()
  for (const content of contents) {
    const resource = "checksum" in content ? content : makeResource(content)
    byKey.set(resource.key, resource)
  }
  const resources = Array.from(byKey.values()).sort((left, right) => (left.key < right.key ? -1 : 1))
  return { generation: generationOf(resources), resources }
}
