/** Manifests rendered for people: with the renderer that agents use, masked keys, and names instead of addresses. */
import { fileDifferences } from "@nxmesh/core/nginx/Diff"
import type { Layout } from "@nxmesh/core/nginx/Layout"
import { hostNames, render, type RenderedTree } from "@nxmesh/core/nginx/Render"
import type { RenderError } from "@nxmesh/core/nginx/RenderError"
import type { Generation } from "@nxmesh/protocol/Ids"
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import type { Bundle, BundleResource } from "@nxmesh/protocol/model/Bundle"
import type { FileDifference } from "@nxmesh/protocol/model/ConfigVersion"
import { Result } from "effect"
import { certificateResource } from "./Entries.ts"
import type { Entry } from "./Manifest.ts"

/** Agents know their own paths; what is compared or read on the master has these. */
const layout: Layout = {
  confDirectory: "/etc/nginx/conf.d",
  runtimeDirectory: "/run/nxmesh",
  logDirectory: null,
  ownsMainContext: false,
  ownsDefaultServer: true
}

/** Assumed of an agent that has not said what its nginx is. */
export const assumedNginx: NginxCapabilities = {
  version: "1.22.1",
  modules: [
    "http_access",
    "http_gzip",
    "http_limit_req",
    "http_map",
    "http_proxy",
    "http_realip",
    "http_rewrite",
    "http_ssl",
    "http_stub_status",
    "http_upstream_ip_hash",
    "http_upstream_keepalive",
    "http_upstream_least_conn",
    "http_upstream_zone",
    "http_v2"
  ]
}

const maskedKey = "(a private key is not shown)"

const resourceOf = (entry: Entry): BundleResource =>
  entry._tag === "Plain" ? entry.resource : certificateResource(entry.certificate, maskedKey)

/** `generation` appears in the text: trees that are compared are rendered with the same one. */
export const previewTree = (
  entries: ReadonlyArray<Entry>,
  generation: Generation,
  nginx: NginxCapabilities
): Result.Result<RenderedTree, RenderError> => {
  const bundle: Bundle = { generation, resources: entries.map(resourceOf) }
  return render({
    bundle,
    nginx,
    layout,
    directory: "preview",
    deploymentId: "preview",
    addresses: new Map(hostNames(bundle).map((name) => [name, [name]]))
  })
}

/** Between two trees; one that cannot be rendered counts as empty. */
export const treeDifferences = (
  before: Result.Result<RenderedTree, RenderError>,
  after: Result.Result<RenderedTree, RenderError>
): ReadonlyArray<FileDifference> =>
  fileDifferences(
    Result.isSuccess(before) ? before.success.files : [],
    Result.isSuccess(after) ? after.success.files : []
  )
