/** The files of a tree that belong to no single resource. */
import { serverNames } from "@nxmesh/protocol/model/NginxText"
import { Limits } from "../Limits.ts"
import { accessLogText } from "./AccessLog.ts"
import { argument, comment, directive, utf8Bytes } from "./Argument.ts"
import type { BundleIndex } from "./BundleIndex.ts"
import { hasRejectHandshake, hasStubStatus } from "./Capabilities.ts"
import { certificateFiles } from "./GeneratedNames.ts"
import { proofSocketPath } from "./Layout.ts"
import type { Layout } from "./Layout.ts"
import { effectiveRateLimit, zoneDirective } from "./RateLimit.ts"
import { listenArguments } from "./Sockets.ts"
import type { Socket } from "./Sockets.ts"
import type { RenderEnvironment } from "./VirtualHostContext.ts"

/** The only file that nginx's `include …/current/*.conf` matches. It names its own directory, so no swap can mix trees. */
export const entryFile = (treePath: string, generation: string, deploymentId: string): string =>
  comment(0, `nxmesh generation ${generation} deployment ${deploymentId}`) +
  directive(0, "include", `${treePath}/http/*.conf`)

const powerOfTwo = (atLeast: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, atLeast)))

const allServerNames = (index: BundleIndex): ReadonlyArray<string> =>
  index.hosts.flatMap((host) => serverNames(host.server_name))
const longer = (left: string, right: string) => (utf8Bytes(right) > utf8Bytes(left) ? right : left)

/** Room for the longest name in one bucket and for all names in few collisions (nginx, "Setting up hashes"). */
const hashSizes = (index: BundleIndex): string => {
  const names = allServerNames(index)
  const longest = utf8Bytes(names.reduce(longer, ""))
  return (
    directive(0, "server_names_hash_bucket_size", Math.max(128, powerOfTwo(longest + 32))) +
    directive(0, "server_names_hash_max_size", Math.max(1_024, powerOfTwo(names.length * 2)))
  )
}

/**
 * Where foreign configuration owns the hash sizes, a long name is an error of nginx's that names no host: this says
 * beforehand which one. Its default buckets of 64 bytes hold names of up to 46.
 */
export const hashWarnings = (layout: Layout, index: BundleIndex): ReadonlyArray<string> => {
  const longest = allServerNames(index).reduce(longer, "")
  if (layout.ownsMainContext || utf8Bytes(longest) <= Limits.nginx.serverNameBytesInDefaultBucket) return []
  return [
    `${longest} may need server_names_hash_bucket_size ${powerOfTwo(utf8Bytes(longest) + 32)} in nginx.conf's http block`
  ]
}

export const settingsFile = (layout: Layout, { index, nginx }: Pick<RenderEnvironment, "index" | "nginx">): string => {
  const zones = index.hosts.map((host) => {
    const limit = effectiveRateLimit(host)
    return limit === null ? "" : comment(0, host.name) + zoneDirective(host.id, limit)
  })
  const upgrade = 'map $http_upgrade $nxm_connection_upgrade {\n    default upgrade;\n    "" "";\n}\n'
  const log = layout.accessLog ? accessLogText(layout.accessLog, index.hosts, nginx) : ""
  return `${layout.ownsMainContext ? hashSizes(index) : ""}${upgrade}${zones.join("")}${log}`
}

const catchAll = (socket: Socket, { index, nginx, treePath }: RenderEnvironment): string => {
  const listens = listenArguments(socket, { ...socket, reuseport: true }, ["default_server"])
  const lines = listens.map((words) => directive(1, "listen", ...words)).join("")
  const refusal = () => {
    if (!socket.tls) return directive(1, "return", 444)
    const protocols = directive(1, "ssl_protocols", "TLSv1.2", "TLSv1.3")
    if (hasRejectHandshake(nginx)) return protocols + directive(1, "ssl_reject_handshake", "on")
    const [certificate] = index.certificates
    if (certificate === undefined) return protocols + directive(1, "return", 444)
    const files = certificateFiles(certificate)
    return (
      protocols +
      directive(1, "ssl_certificate", `${treePath}/${files.certificate}`) +
      directive(1, "ssl_certificate_key", `${treePath}/${files.key}`) +
      directive(1, "return", 444)
    )
  }
  return `server {\n${lines}${directive(1, "server_name", "")}${directive(1, "access_log", "off")}${refusal()}}\n`
}

/** A catch-all per socket: a request for a name that nobody has must not reach whoever happens to come first. */
export const defaultServersFile = (environment: RenderEnvironment): string =>
  Array.from(environment.sockets.values(), (socket) => catchAll(socket, environment)).join("")

/** Answers the deployment's id and the worker's process id: the proof that a worker serves this very deployment. */
export const proofFile = (layout: Layout, deploymentId: string, { nginx }: RenderEnvironment): string => {
  const status = `    location = /status {\n${directive(2, "stub_status")}    }\n`
  return [
    "server {\n",
    directive(1, "listen", `unix:${proofSocketPath(layout)}`),
    directive(1, "server_name", ""),
    directive(1, "access_log", "off"),
    directive(1, "allow", "all"),
    "    location = / {\n",
    directive(2, "default_type", "text/plain"),
    `        return 200 ${argument(`${deploymentId} $pid`)};\n`,
    "    }\n",
    hasStubStatus(nginx) ? status : "",
    "}\n"
  ].join("")
}
