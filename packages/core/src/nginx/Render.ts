/**
 * Renders a bundle into the files of one generation directory. Pure: the same input gives the same text, on the agent
 * that serves it and on the master that previews it. One resource is one file, so that an error's file names its
 * resource.
 */
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import type { Bundle } from "@nxmesh/protocol/model/Bundle"
import type { ResourceReference } from "@nxmesh/protocol/model/ResourceKind"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { Result } from "effect"
import { Limits } from "../Limits.ts"
import { comment, utf8Bytes } from "./Argument.ts"
import { targetBlock, upstreamBlock } from "./Backends.ts"
import type { Addresses, DownServers } from "./Backends.ts"
import { indexBundle } from "./BundleIndex.ts"
import type { BundleIndex } from "./BundleIndex.ts"
import { defaultServersFile, entryFile, hashWarnings, proofFile, settingsFile } from "./CommonFiles.ts"
import { certificateFiles, upstreamFile, virtualHostFile } from "./GeneratedNames.ts"
import type { Layout } from "./Layout.ts"
import { RenderError } from "./RenderError.ts"
import { planSockets, socketWarnings } from "./Sockets.ts"
import { TemplateLibrary } from "./TemplateLibrary.ts"
import { snippetSyntaxProblem } from "./Snippet.ts"
import { virtualHostContext } from "./VirtualHostContext.ts"
import type { RenderEnvironment } from "./VirtualHostContext.ts"

export { hostNames } from "./Backends.ts"

export interface RenderInput {
  readonly bundle: Bundle
  readonly nginx: NginxCapabilities
  readonly layout: Layout
  /** Name of the generation's directory under `layout.confDirectory`, as in `20260302143000-000007`. */
  readonly directory: string
  /** What the proof socket answers. */
  readonly deploymentId: string
  /** Resolved host names; `hostNames` says which are needed. */
  readonly addresses: Addresses
  /** Servers that a health check found down: rendered `down`. None where it is absent. */
  readonly down?: DownServers
}

export interface RenderedFile {
  /** Relative to the generation's directory. */
  readonly path: string
  readonly content: string
  /** 0600 for private keys. */
  readonly mode: 0o644 | 0o600
  /** What the file was made of; `null` for what belongs to the whole tree. */
  readonly resource: ResourceReference | null
}

export interface RenderedTree {
  readonly files: ReadonlyArray<RenderedFile>
  /** For people: nothing here keeps the tree from being served. */
  readonly warnings: ReadonlyArray<string>
}

export const hostReference = (host: Pick<VirtualHost, "id" | "name">): ResourceReference => ({
  kind: "virtual_host",
  id: host.id,
  name: host.name
})

const failure = (
  resource: ResourceReference | null,
  field: string | null,
  problem: string,
  line: number | null = null
) => Result.fail(new RenderError({ resource, field, line, problem }))

const layoutProblem = (layout: Layout): string | null => {
  for (const path of [layout.confDirectory, layout.runtimeDirectory]) {
    if (!path.startsWith("/")) return `"${path}" is not an absolute path`
  }
  return utf8Bytes(layout.runtimeDirectory) > Limits.nginx.runtimeDirectoryBytesMax
    ? `"${layout.runtimeDirectory}" is longer than the ${Limits.nginx.runtimeDirectoryBytesMax} bytes that leave room for a socket's path`
    : null
}

/** What a bundle must hold for a host, and what a snippet must be, before any text is made. */
const hostProblem = (host: VirtualHost, index: BundleIndex): RenderError | null => {
  const error = (field: string, problem: string, line: number | null = null) =>
    new RenderError({ resource: hostReference(host), field, problem, line })
  if (
    host.ssl_enabled &&
    (host.ssl_certificate_id === null || index.certificateById(host.ssl_certificate_id) === null)
  ) {
    return error("ssl_certificate_id", "names a certificate that is not in the bundle")
  }
  const broken = snippetSyntaxProblem(host.snippet)
  if (broken !== null) return error("snippet", broken.message, broken.line)
  for (const [at, location] of host.locations.entries()) {
    if (location.upstream_id !== null && index.upstreamById(location.upstream_id) === null) {
      return error(`locations[${at}].upstream_id`, "names an upstream that is not in the bundle")
    }
    const problem = snippetSyntaxProblem(location.snippet)
    if (problem !== null) return error(`locations[${at}].snippet`, problem.message, problem.line)
  }
  return null
}

/** How one host becomes its file. */
export type HostRenderer = (
  host: VirtualHost,
  environment: RenderEnvironment,
  library: TemplateLibrary,
  addresses: Addresses
) => Result.Result<RenderedFile, RenderError>

export const renderHost: HostRenderer = (host, environment, library, addresses) => {
  const resource = hostReference(host)
  const problem = hostProblem(host, environment.index)
  if (problem !== null) return Result.fail(problem)
  const { record, targets } = virtualHostContext(host, environment)
  const text = library.render(host.workspace_id, host.template, record)
  if (Result.isFailure(text)) {
    return failure(resource, "template", text.failure.message, text.failure.line)
  }
  const content = [
    comment(0, `virtual host ${host.name} (${host.id})`),
    ...targets.map(({ host: name, name: target, port }) => targetBlock(target, name, port, addresses)),
    text.success
  ].join("")
  return Result.succeed({ path: virtualHostFile(host), content, mode: 0o644, resource })
}

const certificateTree = (index: BundleIndex): ReadonlyArray<RenderedFile> =>
  index.certificates.flatMap((certificate): ReadonlyArray<RenderedFile> => {
    const files = certificateFiles(certificate)
    const resource: ResourceReference = { kind: "certificate", id: certificate.id, name: certificate.name }
    return [
      { path: files.certificate, content: withNewline(certificate.certificate_pem), mode: 0o644, resource },
      { path: files.key, content: withNewline(certificate.private_key_pem), mode: 0o600, resource }
    ]
  })

const withNewline = (text: string) => (text.endsWith("\n") ? text : `${text}\n`)

/** `hostRenderer` is for whoever remembers what `renderHost` answered before. */
export const render = (
  input: RenderInput,
  hostRenderer: HostRenderer = renderHost
): Result.Result<RenderedTree, RenderError> => {
  const { addresses, bundle, deploymentId, layout, nginx } = input
  const wrong = layoutProblem(layout)
  if (wrong !== null) return failure(null, null, wrong)
  const index = indexBundle(bundle)
  const treePath = `${layout.confDirectory.replace(/\/+$/, "")}/${input.directory}`
  const environment: RenderEnvironment = { index, nginx, sockets: planSockets(index.hosts, nginx), treePath }
  const common = (path: string, content: string): RenderedFile => ({ path, content, mode: 0o644, resource: null })
  const files: Array<RenderedFile> = [
    common("nxmesh.conf", entryFile(treePath, bundle.generation, deploymentId)),
    common("http/00-settings.conf", settingsFile(layout, environment)),
    ...index.upstreams.map((upstream) => ({
      ...common(upstreamFile(upstream), upstreamBlock(upstream, addresses, input.down)),
      resource: { kind: "upstream" as const, id: upstream.id, name: upstream.name }
    }))
  ]
  const library = new TemplateLibrary(index)
  for (const host of index.hosts) {
    const file = hostRenderer(host, environment, library, addresses)
    if (Result.isFailure(file)) return Result.fail(file.failure)
    files.push(file.success)
  }
  if (layout.ownsDefaultServer) files.push(common("http/30-default.conf", defaultServersFile(environment)))
  files.push(common("http/90-proof.conf", proofFile(layout, deploymentId, environment)), ...certificateTree(index))
  return Result.succeed({ files, warnings: [...socketWarnings(index.hosts, nginx), ...hashWarnings(layout, index)] })
}
