/**
 * What the socket of a request says of who asks: whether it is somebody on the machine that this master runs on, whom no list
 * locks out because they can log in there, and whether the browser sees https.
 */
import { Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { addressSet, isLoopback, plainAddress } from "../network/AddressSet.ts"
import type { AddressBlock } from "../SettingValues.ts"
import { arrivedByHttps } from "./RefreshCookie.ts"

interface Ends {
  readonly remoteAddress?: string | undefined
  readonly localAddress?: string | undefined
  readonly encrypted?: boolean
}

/** Proxies say by one of these that somebody else asks. One that is not trusted may be on this machine, too. */
const forwarding = ["x-forwarded-for", "forwarded", "x-real-ip", "via"] as const

/** Pure: `client` is who asks, behind proxies that are trusted. */
export const isOwnMachine = (
  client: string | null,
  { localAddress, remoteAddress }: Ends,
  headers: Readonly<Record<string, string | undefined>>
): boolean => {
  if (client === null || remoteAddress === undefined) return false
  const peer = plainAddress(remoteAddress)
  if (peer !== client || forwarding.some((name) => headers[name] !== undefined)) return false
  return isLoopback(peer) || (localAddress !== undefined && peer === plainAddress(localAddress))
}

const endsOf = ({ source }: HttpServerRequest.HttpServerRequest): Ends =>
  "socket" in source && typeof source.socket === "object" && source.socket !== null ? source.socket : {}

/** Of a request whose address is that of who asks, as the edge passes it on. */
export const fromOwnMachine = (request: HttpServerRequest.HttpServerRequest): boolean =>
  isOwnMachine(Option.getOrNull(request.remoteAddress), endsOf(request), request.headers)

/** Of a request as it came: by the socket, or by the word of a proxy that is trusted. */
export const httpsBehind = (trusted: ReadonlyArray<AddressBlock>) => {
  const isProxy = addressSet(trusted)
  return (request: HttpServerRequest.HttpServerRequest): boolean => {
    const { encrypted = false, remoteAddress: peer } = endsOf(request)
    return arrivedByHttps({ encrypted, peer, forwardedProto: request.headers["x-forwarded-proto"] }, isProxy)
  }
}
