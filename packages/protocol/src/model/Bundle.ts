/**
 * What one agent should have: the resources that target it, and what those refer to. Its generation is the hash of
 * its content, so agents with the same selection share one bundle, and the same content is the same generation.
 */
import { Schema } from "effect"
import { CertificateId, Generation, SecretVersionId, Sha256, UpstreamId, VirtualHostId, WorkspaceId } from "../Ids.ts"
import { Upstream } from "./Upstream.ts"
import { VirtualHost } from "./VirtualHost.ts"

/** A certificate as an agent needs it. The key is plain here: it travels only inside TLS, and rests only sealed. */
export const BundleCertificate = Schema.Struct({
  id: CertificateId,
  name: Schema.String,
  certificate_pem: Schema.String,
  private_key_pem: Schema.String,
  secret_version_id: SecretVersionId
})
export type BundleCertificate = typeof BundleCertificate.Type

/** A template's source travels with the bundle, built-in ones too: the text rendered does not depend on the agent's age. */
export const BundleTemplate = Schema.Struct({
  /** `null` for a built-in one. */
  workspace_id: Schema.NullOr(WorkspaceId),
  name: Schema.String,
  source: Schema.String
})
export type BundleTemplate = typeof BundleTemplate.Type

/**
 * One resource in a bundle. `key` is unique in it and sorts it: kind, then the resource's id (a template's
 * workspace and name). `checksum` is the SHA-256 of the content that the generation depends on, in canonical JSON: stamps are left
 * out, and a certificate counts by its `secret_version_id` instead of its key.
 */
export const BundleResource = Schema.Union([
  Schema.TaggedStruct("virtual_host", { key: Schema.String, checksum: Sha256, data: VirtualHost }),
  Schema.TaggedStruct("upstream", { key: Schema.String, checksum: Sha256, data: Upstream }),
  Schema.TaggedStruct("certificate", { key: Schema.String, checksum: Sha256, data: BundleCertificate }),
  Schema.TaggedStruct("template", { key: Schema.String, checksum: Sha256, data: BundleTemplate })
])
export type BundleResource = typeof BundleResource.Type

/** Sorted by `key`. */
export const Bundle = Schema.Struct({
  generation: Generation,
  resources: Schema.Array(BundleResource)
}).annotate({ identifier: "Bundle" })
export type Bundle = typeof Bundle.Type

/** The text whose SHA-256 is a bundle's generation: one `key checksum` line per resource, sorted by key. */
export const generationText = (resources: ReadonlyArray<{ readonly key: string; readonly checksum: string }>): string =>
  resources
    .map(({ key, checksum }) => `${key} ${checksum}\n`)
    .sort()
    .join("")

export const bundleKey = {
  virtualHost: (id: VirtualHostId) => `virtual_host:${id}`,
  upstream: (id: UpstreamId) => `upstream:${id}`,
  certificate: (id: CertificateId) => `certificate:${id}`,
  /** Built-in templates have no workspace; a custom one is known by its workspace and name. */
  template: (workspaceId: WorkspaceId | null, name: string) =>
    workspaceId === null ? `template:${name}` : `template:${workspaceId}/${name}`
}

/** A rendered tree as the preview answers it. */
export const RenderedFile = Schema.Struct({ path: Schema.String, content: Schema.String }).annotate({
  identifier: "RenderedFile"
})
