/** Whether a request comes from the machine that this master runs on: whoever can log in there is not locked out by a list. */
import { Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { isLoopback, plainAddress } from "../network/AddressSet.ts"

interface Ends {
  readonly remoteAddress?: string | undefined
  readonly localAddress?: string | undefined
}

/** Pure: `client` is who asks, behind proxies that are trusted. */
export const isOwnMachine = (client: string | null, { localAddress, remoteAddress }: Ends): boolean => {
  if (client === null || remoteAddress === undefined) return false
  const peer = plainAddress(remoteAddress)
  const isDirect = peer === client
  return isDirect && (isLoopback(peer) || (localAddress !== undefined && peer === plainAddress(localAddress)))
}

const endsOf = ({ source }: HttpServerRequest.HttpServerRequest): Ends =>
  "socket" in source && typeof source.socket === "object" && source.socket !== null ? source.socket : {}

/** Of a request whose address is that of who asks, as the edge passes it on. */
export const fromOwnMachine = (request: HttpServerRequest.HttpServerRequest): boolean =>
  isOwnMachine(Option.getOrNull(request.remoteAddress), endsOf(request))
