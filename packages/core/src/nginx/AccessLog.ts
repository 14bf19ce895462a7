/**
 * The access log that the agent reads: one JSON object a line. It is set in the http block, so that a host with an
 * `access_log` of its own keeps that one alone (ngx_http_log_module: a level's directives replace the inherited ones).
 *
 * Source: nginx documentation of ngx_http_log_module, ngx_http_map_module and ngx_http_upstream_module.
 */
import type { NginxCapabilities } from "@nxmesh/protocol/model/Agent"
import { serverNames } from "@nxmesh/protocol/model/NginxText"
import type { VirtualHost } from "@nxmesh/protocol/model/VirtualHost"
import { directive } from "./Argument.ts"
import { compareVersions } from "./Capabilities.ts"

export interface AccessLogPlace {
  /** Absolute, as nginx sees it. */
  readonly path: string
  /** Other configuration has hosts of its own in this nginx: their requests are not written. */
  readonly ownHostsOnly: boolean
}

/** The keys of a line, and the variables that they hold. Every value is a text; nginx writes an absent one as `""`. */
export const accessLogFields = {
  time: "$msec",
  request_id: "$request_id",
  remote_addr: "$remote_addr",
  method: "$request_method",
  uri: "$request_uri",
  protocol: "$server_protocol",
  host: "$host",
  server_name: "$server_name",
  server_port: "$server_port",
  status: "$status",
  body_bytes_sent: "$body_bytes_sent",
  request_time: "$request_time",
  user_agent: "$http_user_agent",
  referer: "$http_referer",
  upstream_addr: "$upstream_addr",
  upstream_status: "$upstream_status",
  upstream_connect_time: "$upstream_connect_time",
  upstream_header_time: "$upstream_header_time",
  upstream_response_time: "$upstream_response_time"
} as const

const format = `{${Object.entries(accessLogFields)
  .map(([key, variable]) => `"${key}":"${variable}"`)
  .join(",")}}`

/** `escape=json` (1.11.8); `$request_id` (1.11.0). */
export const hasJsonLog = (nginx: NginxCapabilities): boolean => compareVersions(nginx.version, "1.11.8") >= 0

/**
 * One write for 64 KiB of lines instead of one for each request, and none waits longer than a second: that much is lost
 * when nginx is killed, and that late is what the agent reads.
 */
const buffering = ["buffer=64k", "flush=1s"]

/** nginx reads these as parameters of `map`, unless a backslash stands before them. */
const mapParameters = new Set(["default", "hostnames", "include", "volatile"])
/** What fits beside a pointer and a length in a bucket of the default size, 64 bytes (ngx_hash.c). */
const mapKeyBytesMax = 46
const mapKey = (name: string): string => {
  if (mapParameters.has(name)) return `\\${name}`
  return name.length <= mapKeyBytesMax ? name : `~^${name.replaceAll(/[.*]/g, (sign) => `\\${sign}`)}$`
}

/** 1 for a request that one of these hosts answers: `$server_name` is the first name of the server that does. */
const ownHostMap = (hosts: ReadonlyArray<VirtualHost>): string => {
  const names = new Set(hosts.flatMap((host) => serverNames(host.server_name).slice(0, 1)))
  const entries = Array.from(names, (name) => directive(1, mapKey(name), 1)).join("")
  return `map $server_name $nxm_own_host {\n${directive(1, "default", 0)}${entries}}\n`
}

/** Empty where nginx is too old. */
export const accessLogText = (
  place: AccessLogPlace,
  hosts: ReadonlyArray<VirtualHost>,
  nginx: NginxCapabilities
): string => {
  if (!hasJsonLog(nginx)) return ""
  const condition = place.ownHostsOnly ? ["if=$nxm_own_host"] : []
  return [
    place.ownHostsOnly ? ownHostMap(hosts) : "",
    `log_format nxmesh_json escape=json '${format}';\n`,
    directive(0, "access_log", place.path, "nxmesh_json", ...buffering, ...condition)
  ].join("")
}
