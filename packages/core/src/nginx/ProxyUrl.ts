/** The URLs of `proxy_pass`, taken apart. Their form is checked by `protocol/model/NginxText`. */
import { isIpv6 } from "@nxmesh/protocol/model/NginxText"

export interface ProxyUrl {
  readonly scheme: "http" | "https"
  /** Without brackets, lower-case. */
  readonly host: string
  readonly isAddress: boolean
  readonly port: number | null
  /** With its leading `/`; empty when the URL has none. Then nginx passes the request's own path. */
  readonly path: string
}

const form = /^(https?):\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?(\/.*)?$/s

const isIpv4 = (host: string) =>
  /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) && host.split(".").every((part) => Number(part) < 256)
/** A literal IPv4 or IPv6 address, without brackets. */
export const isAddress = (host: string): boolean => isIpv6(host) || isIpv4(host)

export const parseProxyUrl = (url: string): ProxyUrl | null => {
  const match = form.exec(url)
  if (match === null) return null
  const [, scheme, rawHost = "", port, path = ""] = match
  const host = rawHost.replace(/^\[|\]$/g, "").toLowerCase()
  return {
    scheme: scheme === "https" ? "https" : "http",
    host,
    isAddress: isAddress(host),
    port: port === undefined ? null : Number(port),
    path
  }
}

export const defaultPort = (scheme: ProxyUrl["scheme"]): number => (scheme === "https" ? 443 : 80)

/** `host:port` as nginx takes it, an IPv6 address in brackets. */
export const hostPort = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`

/** The two parts of a backend's `host:port`. */
export const splitBackend = (address: string): { readonly host: string; readonly port: number } => {
  const colon = address.lastIndexOf(":")
  const host = address.slice(0, colon).replace(/^\[|\]$/g, "")
  return { host: host.toLowerCase(), port: Number(address.slice(colon + 1)) }
}
