/** The address of a master's agent port, as operators write it. */
import { linkPath } from "@nxmesh/protocol/link/SignedCall"
import { Result } from "effect"
import type { MasterAddress } from "./Tls.ts"

const defaultPort = 8443

/** `host`, `host:port`, `https://…` or `wss://…`, as `wss://host:port/agents`. */
export const masterUrl = (text: string): Result.Result<string, string> => {
  const trimmed = text.trim()
  const withScheme = /^[a-z]+:\/\//i.test(trimmed) ? trimmed : `wss://${trimmed}`
  if (!URL.canParse(withScheme)) return Result.fail("must be host:port or wss://host:port")
  const url = new URL(withScheme.replace(/^https:/i, "wss:"))
  if (url.protocol !== "wss:") return Result.fail("must be wss:// or https://: agents speak TLS only")
  if (url.hostname === "") return Result.fail("must name a host")
  return Result.succeed(`wss://${url.hostname}:${url.port === "" ? defaultPort : url.port}${linkPath}`)
}

/** Host and port of what `masterUrl` made; an IPv6 address without its brackets. */
export const addressOf = (url: string): MasterAddress => {
  const { hostname, port } = new URL(url)
  return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: port === "" ? 443 : Number(port) }
}
