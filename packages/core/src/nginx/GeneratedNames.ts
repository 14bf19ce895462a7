/**
 * Names that appear in rendered text. Each carries a part of its resource's id: two tenants may choose the same name.
 * The last eight hexadecimal digits are taken, because the first ones of a UUIDv7 are a clock.
 */
import { createHash } from "node:crypto"

export const id8 = (id: string): string => id.replaceAll("-", "").slice(-8).toLowerCase()

/** A name as part of a file name: lower-case letters, digits and single hyphens. */
export const slug = (name: string): string => {
  const text = name
    .normalize("NFKD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, 48)
    .replace(/^-+|-+$/g, "")
  return text === "" ? "unnamed" : text
}

export const upstreamName = (upstream: { readonly id: string; readonly name: string }): string =>
  `nxm_${id8(upstream.id)}_${upstream.name}`

/** A backend that a location names by URL, in an upstream of its virtual host's own. */
export const targetName = (hostId: string, host: string, port: number): string =>
  `nxm_${id8(hostId)}_to_${createHash("sha256").update(`${host}:${port}`).digest("hex").slice(0, 8)}`

export const upstreamFile = (upstream: { readonly id: string; readonly name: string }): string =>
  `http/10-upstream-${upstream.name}-${id8(upstream.id)}.conf`
export const virtualHostFile = (host: { readonly id: string; readonly name: string }): string =>
  `http/20-host-${slug(host.name)}-${id8(host.id)}.conf`
export const certificateFiles = (certificate: { readonly id: string; readonly secret_version_id: string }) => {
  const stem = `tls/${id8(certificate.id)}-${id8(certificate.secret_version_id)}`
  return { certificate: `${stem}.crt`, key: `${stem}.key` }
}
