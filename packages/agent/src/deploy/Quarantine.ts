/** Which resources of a bundle are left out because nginx refuses them, and the bundle that is rendered then. Pure. */
import { upstreamReferences } from "@nxmesh/core/nginx/UpstreamReference"
import { DeploymentError } from "@nxmesh/protocol/model/Deployment"
import { type Bundle, bundleKey, BundleResource } from "@nxmesh/protocol/model/Bundle"
import type { ResourceReference } from "@nxmesh/protocol/model/ResourceKind"
import type { Upstream } from "@nxmesh/protocol/model/Upstream"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Limits as WireLimits } from "@nxmesh/protocol/Limits"
import { Schema } from "effect"

/** One resource that nginx refuses. */
export const Quarantined = Schema.Struct({
  /** Its key in the bundle. */
  key: Schema.String,
  /** Of the content that was refused: another content is another resource. */
  checksum: Schema.String,
  error: DeploymentError,
  /** The version that served before and serves on; `null`: the resource is left out. */
  instead: Schema.NullOr(BundleResource)
})
export type Quarantined = typeof Quarantined.Type
export type Quarantine = ReadonlyArray<Quarantined>

/** What is rendered in place of a bundle, and what to say of it. */
export interface Reduced {
  /** Has the generation of the whole bundle: it is that generation that is served, as far as it can be. */
  readonly bundle: Bundle
  /** Every resource that is not served as the bundle has it, each with its reason. */
  readonly reasons: ReadonlyArray<DeploymentError>
}

const bounded = (message: string): string => message.slice(0, WireLimits.deploymentErrorCharactersMax)

export const referenceOf = (resource: BundleResource): ResourceReference =>
  resource._tag === "template"
    ? { kind: "template", id: resource.key.slice("template:".length), name: resource.data.name }
    : { kind: resource._tag, id: resource.data.id, name: resource.data.name }

/** The key in a bundle of what a file was made of. Templates make no files. */
export const keyOf = ({ id, kind }: ResourceReference): string => `${kind}:${id}`

/** Keys of the resources that a host cannot be without, its template last. */
export const requirementsOf = (host: VirtualHost, upstreams: ReadonlyArray<Upstream>): ReadonlyArray<string> => [
  ...(host.ssl_enabled && host.ssl_certificate_id !== null ? [bundleKey.certificate(host.ssl_certificate_id)] : []),
  ...upstreamReferences(host, upstreams).map(bundleKey.upstream),
  bundleKey.template(host.workspace_id, host.template)
]

export const upstreamsOf = ({ resources }: Pick<Bundle, "resources">): ReadonlyArray<Upstream> =>
  resources.flatMap((resource) => (resource._tag === "upstream" ? [resource.data] : []))

/** The requirement of a host that is quarantined without a version to serve instead. */
const missing = (
  host: VirtualHost,
  upstreams: ReadonlyArray<Upstream>,
  lost: ReadonlyMap<string, Quarantined>
): Quarantined | null => {
  for (const key of requirementsOf(host, upstreams)) {
    const found = lost.get(key)
    if (found !== undefined) return found
  }
  return null
}

const described = (error: DeploymentError, more: string): DeploymentError => ({
  ...error,
  message: bounded(`${error.message}${more}`)
})

const namedAs = (resource: ResourceReference | null): string =>
  resource === null ? "a resource" : `${resource.kind.replaceAll("_", " ")} "${resource.name}"`

/** The bundle without what is quarantined, or with the version that served before in its place. */
export const reduce = (bundle: Bundle, quarantine: Quarantine): Reduced => {
  if (quarantine.length === 0) return { bundle, reasons: [] }
  const byKey = new Map(quarantine.map((one) => [one.key, one]))
  const lost = new Map(quarantine.filter(({ instead }) => instead === null).map((one) => [one.key, one]))
  const upstreams = upstreamsOf(bundle)
  const resources: Array<BundleResource> = []
  const reasons: Array<DeploymentError> = []
  for (const resource of bundle.resources) {
    const refused = byKey.get(resource.key)
    const served = refused === undefined ? resource : refused.instead
    if (refused !== undefined) {
      const end = served === null ? "; it is left out" : "; the version that served before serves on"
      reasons.push(described(refused.error, end))
    }
    const cause = served?._tag === "virtual_host" ? missing(served.data, upstreams, lost) : null
    if (cause !== null && served !== null && isEnabled(served)) {
      const message = bounded(`left out, because it needs ${namedAs(cause.error.resource)}: ${cause.error.message}`)
      reasons.push({ step: cause.error.step, message, file: null, line: null, resource: referenceOf(served) })
    } else if (served !== null && cause === null) resources.push(served)
  }
  return { bundle: { generation: bundle.generation, resources }, reasons }
}

const isEnabled = (resource: BundleResource): boolean => resource._tag === "virtual_host" && resource.data.enabled

/** Whether anything is left to be served, where there was something to serve. */
export const isWorthServing = (bundle: Bundle, reduced: Bundle): boolean =>
  !bundle.resources.some(isEnabled) || reduced.resources.some(isEnabled)

/** The last version of a resource that served, by its key. */
export type GoodVersion = (key: string) => BundleResource | null

/** The versions that serve when `bundle` does, with what is quarantined of it. */
export const goodVersions = (bundle: Bundle | null, quarantine: Quarantine): GoodVersion => {
  const whole = new Map(bundle?.resources.map((resource) => [resource.key, resource]))
  const instead = new Map(quarantine.map((one) => [one.key, one.instead]))
  return (key) => (instead.has(key) ? (instead.get(key) ?? null) : (whole.get(key) ?? null))
}

export interface Refusal {
  readonly bundle: Bundle
  readonly good: GoodVersion
  readonly error: DeploymentError
}

/**
 * Which resource is at fault when one is refused that served before just as it is: what it needs that has changed. A
 * template breaks the hosts that use it.
 */
const faultOf = (culprit: BundleResource, left: Quarantine, { bundle, good }: Refusal): BundleResource => {
  if (culprit._tag !== "virtual_host" || good(culprit.key)?.checksum !== culprit.checksum) return culprit
  const needed = new Set(requirementsOf(culprit.data, upstreamsOf(bundle)))
  const changed = bundle.resources.find((resource) => {
    const before = needed.has(resource.key) ? good(resource.key) : null
    return before !== null && before.checksum !== resource.checksum && left.every(({ key }) => key !== resource.key)
  })
  return changed ?? culprit
}

/**
 * The quarantine with one more refusal in it; `null` when that is no resource of the bundle. A version that was to serve
 * instead and is refused as well is not tried again.
 */
export const exclude = (left: Quarantine, key: string, refusal: Refusal): Quarantine | null => {
  const known = left.find((one) => one.key === key)
  if (known !== undefined) {
    if (known.instead === null) return null
    return left.map((one) => (one === known ? { ...one, instead: null } : one))
  }
  const culprit = refusal.bundle.resources.find((resource) => resource.key === key)
  if (culprit === undefined) return null
  const fault = faultOf(culprit, left, refusal)
  const before = refusal.good(fault.key)
  const error = fault === culprit ? refusal.error : { ...refusal.error, resource: referenceOf(fault) }
  const instead = before !== null && before.checksum !== fault.checksum ? before : null
  return [...left, { key: fault.key, checksum: fault.checksum, error, instead }]
}
