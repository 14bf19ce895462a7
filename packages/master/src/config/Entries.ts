/** Resources as entries of a manifest: with their key, and the checksum that the generation depends on. */
import { makeResource, type ResourceContent } from "@nxmesh/core/nginx/Generation"
import { builtInTemplates } from "@nxmesh/core/nginx/templates/BuiltIn"
import type { BundleResource } from "@nxmesh/protocol/model/Bundle"
import type { StoredCertificate } from "@nxmesh/protocol/model/Certificate"
import type { builtInTemplateNames, Template } from "@nxmesh/protocol/model/Template"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import type { Entry } from "./Manifest.ts"

const plain = (content: ResourceContent): Entry => {
  const resource = makeResource(content)
  return { _tag: "Plain", key: resource.key, checksum: resource.checksum, resource }
}

export const hostEntry = (data: VirtualHost): Entry => plain({ _tag: "virtual_host", data })

export const upstreamEntry = (data: Upstream): Entry => plain({ _tag: "upstream", data })

export const templateEntry = ({
  name,
  source,
  workspace_id
}: Pick<Template, "name" | "source" | "workspace_id">): Entry =>
  plain({ _tag: "template", data: { workspace_id, name, source } })

export const builtInEntry = (name: (typeof builtInTemplateNames)[number]): Entry =>
  plain({ _tag: "template", data: { workspace_id: null, name, source: builtInTemplates[name] } })

/** A certificate as bundles hold it, with this text in the place of its key. */
export const certificateResource = (
  { certificate_pem, id, name, secret_version_id }: StoredCertificate,
  privateKeyPem: string
): BundleResource =>
  makeResource({
    _tag: "certificate",
    data: { id, name, certificate_pem, private_key_pem: privateKeyPem, secret_version_id }
  })

/** The key stays sealed: the checksum counts its version instead. */
export const certificateEntry = (certificate: StoredCertificate): Entry => {
  const { checksum, key } = certificateResource(certificate, "")
  return { _tag: "Sealed", key, checksum, certificate }
}
