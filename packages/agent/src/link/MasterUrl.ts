/** The address of a master's agent port, as operators write it. */
import { linkPath } from "@nxmesh/protocol/link/SignedCall"
import { Result } from "effect"
import type { MasterAddress } from "./Tls.ts"

const defaultPort = 8443

/** `host`, `host:port`, `https://…` or `wss://…`, as `wss://host:port/agents`. */
export const masterUrl = (text: string): Result.Result<string, string> => {
  const [, scheme = "wss", rest = ""] = /^(?:([a-z]+):\/\/)?(.*)$/i.exec(text.trim()) ?? []
  if (!/^(wss|https)$/i.test(scheme)) return Result.fail("must be wss:// or https://: agents speak TLS only")
  // Of a scheme that it does not know, URL keeps the port that is said, 443 too.
  const authority = `agent://${rest.toLowerCase()}`
  if (!URL.canParse(authority)) return Result.fail("must be host:port or wss://host:port")
  const { hostname, port } = new URL(authority)
  if (hostname === "") return Result.fail("must name a host")
  return Result.succeed(`wss://${hostname}:${port === "" ? defaultPort : port}${linkPath}`)
}

/** Host and port of what `masterUrl` made; an IPv6 address without its brackets. */
export const addressOf = (url: string): MasterAddress => {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? 443 : Number(port) }
}

/** `host:port` of what `masterUrl` made, as masters name each other. */
export const authorityOf = (url: string): string => new URL(url.replace(/^wss:/, "agent:")).host
